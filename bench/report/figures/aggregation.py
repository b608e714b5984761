"""What aggregation does: how much each teacher is trusted query by query, and single queries in full."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.report.content.study import BOUNDARIES, Aggregation, Array, Example, Study
from bench.report.figures.aggregation_plot import SERIES, queries_plot, weights_plot
from bench.report.figures.style import (
    FAINT,
    INK,
    MUTED,
    PALETTE,
    ROLE_COLOUR,
    Figure,
    brief,
    canvas,
    finish,
    head,
    look,
)

_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))
_STUDENT = ROLE_COLOUR["student"]
_TRUTH = "#fbf0cf"
_HAZE = 0.5
_ACROSS = 2
_TITLE_WIDTH = 54
_COLUMNS = 50
"""Of stacked weights; with more queries than this a column is the mean of neighbours."""


def aggregation_figures(study: Study) -> list[Figure]:
    """The weights over all queries, then the single queries; nothing where the study has no whole method."""
    found = study.aggregation
    if found is None:
        return []
    weights = [_weight_figure(study, found)] if len(found.teachers) > 1 else []
    return [*weights, *([_query_figure(study, found)] if found.examples else [])]


def _weight_figure(study: Study, found: Aggregation) -> Figure:
    title = f"How much each teacher is trusted, {study.title}"
    with look():
        figure = canvas(10.4, 3.9)
        count = f"{len(found.weights)} queries of the {brief(found.split)} split"
        subtitle = f"Weights of the aggregation unit for the {count}, stacked to 1"
        head(figure, title, subtitle)
        axes = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.08})
        ordered = [weights[_order(weights)] for weights in np.moveaxis(found.weights, 2, 0)]
        for ax, boundary, weights in zip(axes, BOUNDARIES, ordered, strict=True):
            _areas(ax, boundary, weights)
        axes[0].set_ylabel("weight")
        means = found.weights.mean(0)
        handles = [
            Patch(color=_colour(k), label=f"{brief(name)}, mean {means[k, 0]:.2f} and {means[k, 1]:.2f}")
            for k, name in enumerate(found.teachers)
        ]
        figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=9)
        plot = weights_plot(found, ordered, subtitle)
        return finish(figure, "study-weights", title, _weight_alt(found), _weight_caption(found), plot)


def _colour(teacher: int) -> Any:
    return PALETTE[SERIES[teacher % len(SERIES)]]


def _areas(ax: Axes, boundary: str, weights: Array) -> None:
    """Stacked areas of weights `[Q, K]`, as the queries stand."""
    columns = np.array_split(weights, min(_COLUMNS, len(weights)))
    edges = np.cumsum([0, *map(len, columns)]) / len(weights) * 100
    tops = np.cumsum([column.mean(0) for column in columns], 1)
    teachers = weights.shape[1]
    for k in range(teachers):
        low = np.zeros(len(columns)) if k == 0 else tops[:, k - 1]
        ax.stairs(tops[:, k], edges, baseline=low, fill=True, color=_colour(k), linewidth=0)
    for k in range(1, teachers):
        ax.axhline(k / teachers, color="white", linewidth=1.2, linestyle=(0, (5, 4)))
    ax.set_title(f"Weight of the {boundary}")
    ax.set_xlim(0, 100)
    ax.set_ylim(0, 1)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
    ax.set_xticks([0, 25, 50, 75, 100])
    ax.set_xlabel("queries, by the teacher trusted most and how much")
    ax.grid(visible=False)
    sns.despine(ax=ax, left=True, bottom=True)


def _order(weights: Array) -> npt.NDArray[np.int64]:
    """Queries `[Q]` by the teacher they trust most, in the order of the teachers, then by how much."""
    first = weights.argmax(1)
    return np.lexsort((-weights.max(1), first))


def _weight_alt(found: Aggregation) -> str:
    means = found.weights.mean(0)
    each = [f"{name} {means[k, 0]:.2f} and {means[k, 1]:.2f}" for k, name in enumerate(found.teachers)]
    return f"Stacked weights of the teachers over queries; means for start and end: {', '.join(each)}."


def _weight_caption(found: Aggregation) -> str:
    means = found.weights.mean(0)
    each = ", ".join(f"{name} {means[k, 0]:.2f} and {means[k, 1]:.2f}" for k, name in enumerate(found.teachers))
    return (
        "Queries stand in order of the teacher they trust most, then of how much; neighbours are averaged. "
        f"Dashes: equal trust in all {len(found.teachers)}. Mean weights for start and end: {each}. "
        "Bands of even height mean that every query gets the same weights."
    )


def _query_figure(study: Study, found: Aggregation) -> Figure:
    title = f"What teachers and student say of single queries, {study.title}"
    down = -(-len(found.examples) // _ACROSS)
    with look():
        figure = canvas(10.4, 1.3 + 2.75 * down)
        subtitle = "Probability of each clip to hold the start and the end of the moment"
        head(figure, title, subtitle)
        parts = np.asarray(figure.subfigures(down, _ACROSS, squeeze=False)).flatten()
        for part, example in zip(parts, found.examples, strict=False):
            _query(part, example)
        figure.legend(handles=_legend(found), loc="outside lower left", ncols=7, frameon=False, fontsize=9)
        plot = queries_plot(found, subtitle)
        return finish(figure, "study-queries", title, _query_alt(found), _QUERY_CAPTION, plot)


_QUERY_CAPTION = (
    "Yellow band: the annotated moment; its edge in ink is the boundary in question. How much each teacher is trusted "
    "for a query is told by its band on the page, and by the strip at its right in the SVG and the PDF. Queries are "
    "spread evenly over the split, not chosen."
)


def _query(part: SubFigure, example: Example) -> None:
    axes = part.subplots(2, 2, sharex="col", width_ratios=(1, 0.028), squeeze=False)
    for i, boundary in enumerate(BOUNDARIES):
        _curves(axes[i, 0], example, i)
        axes[i, 0].set_ylabel(boundary)
        _strip(axes[i, 1], example.weights[:, i])
    start, end = example.moment_s
    axes[0, 0].set_title(textwrap.shorten(f"“{example.sentence}”", _TITLE_WIDTH, placeholder=" …”"))
    axes[1, 0].set_xlabel(f"seconds; the moment is {start:.1f} to {end:.1f} s")


def _curves(ax: Axes, example: Example, i: int) -> None:
    clips = example.student.shape[1]
    edges = np.arange(clips + 1) * example.duration_s / clips
    centres = (edges[:-1] + edges[1:]) / 2
    ax.axvspan(*example.moment_s, color=_TRUTH, linewidth=0, zorder=0)
    ax.axvline(example.moment_s[i], color=INK, linewidth=1.1, zorder=1.8)
    ax.stairs(example.aggregated[i], edges, fill=True, color=FAINT, linewidth=0, zorder=1.5, alpha=_HAZE)
    ax.stairs(example.aggregated[i], edges, color=MUTED, linewidth=0.8, zorder=1.6)
    for k, curve in enumerate(example.teachers[:, i]):
        ax.plot(centres, curve, color=_colour(k), linewidth=1.3, linestyle=_DASHES[k % len(_DASHES)], zorder=2)
    ax.plot(centres, example.student[i], color=_STUDENT, linewidth=2.2, zorder=3)
    ax.set_xlim(0, example.duration_s)
    ax.set_ylim(0, 1.08 * max(example.teachers[:, i].max(), example.student[i].max()))
    ax.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10], min_n_ticks=2))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    ax.grid(visible=False, axis="x")
    ax.tick_params(labelsize=8.5)
    sns.despine(ax=ax, left=True)


def _strip(ax: Axes, weights: Array) -> None:
    """The weights of one query, stacked."""
    top = 0.0
    for k, weight in enumerate(weights):
        ax.bar(0, weight, bottom=top, width=1, color=_colour(k), linewidth=0)
        top += float(weight)
    ax.set_xlim(-0.5, 0.5)
    ax.set_ylim(0, 1)
    ax.set_axis_off()


def _legend(found: Aggregation) -> Sequence[Any]:
    teachers = [
        Line2D([], [], color=_colour(k), linewidth=1.6, linestyle=_DASHES[k % len(_DASHES)], label=brief(name))
        for k, name in enumerate(found.teachers)
    ]
    return [
        *teachers,
        Patch(facecolor=(*to_rgb(FAINT), _HAZE), edgecolor=MUTED, linewidth=0.8, label="aggregated"),
        Line2D([], [], color=_STUDENT, linewidth=2.2, label="student"),
        Patch(color=_TRUTH, label="annotated moment"),
    ]


def _query_alt(found: Aggregation) -> str:
    return (
        f"Start and end distributions of the teachers {', '.join(found.teachers)}, of their weighted sum and of the "
        f"student for {len(found.examples)} queries, with the annotated moment."
    )

"""Accuracy against cost: one figure a dataset, one panel a kind of cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from bench.missing import Missing
from bench.report.content.pareto import Interval, Point, Standing
from bench.report.content.seeds import Scope
from bench.report.content.standings import COSTS, Cost, Entry, Placed, Tradeoff
from bench.report.figures.extent import foremost
from bench.report.figures.named_points import Named, box_of, name_points, whiskers
from bench.report.figures.pareto_plot import pareto_plot
from bench.report.figures.placing import Box
from bench.report.figures.style import (
    FAINT,
    INK,
    MUTED,
    ROLE_COLOUR,
    ROLE_MARKER,
    Figure,
    brief,
    canvas,
    finish,
    head,
    look,
)
from bench.report.quantity import plural
from bench.safe import file_stems
from emtm.metrics.metric import HEADLINE

_ROOMY = 5
"""More models than this need larger panels, so that each name stays near its point."""


def pareto_figures(tradeoffs: Sequence[Tradeoff]) -> list[Figure]:
    """One figure for each of the first datasets and executions that have trained models with a known cost."""
    shown = foremost([tradeoff for tradeoff in tradeoffs if tradeoff.panels])
    names = file_stems([f"pareto-{tradeoff.scope.dataset}" for tradeoff, _ in shown])
    return [_figure(name, tradeoff, left_out) for name, (tradeoff, left_out) in zip(names, shown, strict=True)]


def _figure(name: str, tradeoff: Tradeoff, left_out: str) -> Figure:
    title = f"Accuracy against cost, {tradeoff.scope.title}"
    panels, plot = tradeoff.panels, pareto_plot(tradeoff, _scope_line(tradeoff.scope))
    with look():
        across = min(2, len(panels))
        down = -(-len(panels) // across)
        crowd = max(0, len(tradeoff.entries) - _ROOMY)
        figure = canvas((5.0 + 0.09 * crowd) * across, (3.6 + 0.13 * crowd) * down + 0.9)
        axes = figure.subplots(down, across, squeeze=False).flatten()
        head(figure, title, _scope_line(tradeoff.scope))
        _legend(figure, tradeoff.entries)
        drawn = [_panel(ax, cost, placed, tradeoff) for ax, (cost, placed) in zip(axes, panels, strict=False)]
        for ax in axes[len(panels) :]:
            ax.set_visible(False)
        figure.draw_without_rendering()
        for ax, placed in zip(axes, drawn, strict=False):
            _name_points(ax, placed)
        return finish(figure, name, title, _alt(tradeoff), _caption(tradeoff.entries) + left_out, plot)


def _scope_line(scope: Scope) -> str:
    parts = [f"{brief(scope.split)} split", f"{scope.protocol} protocol"]
    parts += map(brief, (scope.device, scope.dtype, scope.backend))
    parts += [plural(scope.threads, "thread")] if scope.threads else []
    return ", ".join([*parts, f"batch {scope.batch_size}"])


def _panel(ax: Axes, cost: Cost, placed: Sequence[Placed], tradeoff: Tradeoff) -> list[Placed]:
    """Draw points, whiskers, front and floor; gives the points in the unit of the axis, to be named later."""
    factor, letter = cost.scale(max(one.point.cost.value for one in placed))
    scaled = [replace(one, point=Point(_in_unit(one.point.cost, factor), one.point.gain)) for one in placed]
    ax.set_title(cost.title)
    ax.set_xlabel(f"{letter}{cost.unit}")
    _scales(ax, [one.point for one in scaled])
    _floor(ax, tradeoff)
    _front(ax, [one.point for one in scaled if one.standing is Standing.FRONT])
    for one in scaled:
        _draw(ax, one.entry.model.role, one.point, one.standing)
    return scaled


def _in_unit(cost: Interval, factor: float) -> Interval:
    return Interval(cost.low / factor, cost.value / factor, cost.high / factor)


def _scales(ax: Axes, points: Sequence[Point]) -> None:
    values = [bound for point in points for bound in (point.cost.low, point.cost.high)]
    low, high = min(values), max(values)
    if high > 4 * low > 0:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if high < 200 * low else (1.0,)))
        ax.set_xlim(low / (high / low) ** 0.12, high * (high / low) ** 0.25)
    else:
        ax.set_xlim(0, high * 1.3 or 1.0)
        ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
    ax.set_ylabel(HEADLINE.title)
    sns.despine(ax=ax, left=True)


def _floor(ax: Axes, tradeoff: Tradeoff) -> None:
    gains = [entry.model.accuracy[HEADLINE] for entry in tradeoff.entries]
    top = max(gain.high for gain in gains)
    lowest = min([*(gain.low for gain in gains), *(value for _, value in tradeoff.floors)])
    span = max(top - lowest, 1.0)
    ax.set_ylim(max(0.0, lowest - 0.10 * span), top + 0.14 * span)
    if tradeoff.floors:
        name, value = max(tradeoff.floors, key=lambda floor: floor[1])
        ax.axhline(value, color=MUTED, linewidth=1, linestyle=(0, (5, 4)), zorder=1)
        note = ax.annotate(
            f"{brief(name)} floor {value:.1f} %",
            (0.99, value),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            fontsize=8.5,
            color=MUTED,
        )
        note.set_in_layout(False)


def _front(ax: Axes, points: Sequence[Point]) -> None:
    if not points:
        return
    ordered = sorted(points, key=lambda point: point.cost.value)
    xs = [point.cost.value for point in ordered]
    ys = [point.gain.value for point in ordered]
    # The front reaches on to dearer models: whatever lies below it there is dominated.
    ax.step([*xs, ax.get_xlim()[1]], [*ys, ys[-1]], where="post", color=INK, linewidth=1.2, alpha=0.55, zorder=2)


def _draw(ax: Axes, role: str, point: Point, state: Standing) -> None:
    grey = state in (Standing.DOMINATED, Standing.NOISY)
    colour: Any = FAINT if grey else ROLE_COLOUR.get(role, INK)
    x, y = point.cost, point.gain
    whisker = {"color": colour, "linewidth": 1.3, "zorder": 3, "solid_capstyle": "butt"}
    ax.plot([x.low, x.high], [y.value, y.value], **whisker)
    ax.plot([x.value, x.value], [y.low, y.high], **whisker)
    face = "white" if state in (Standing.CONTENDER, Standing.NOISY) else colour
    ax.plot(
        *(x.value, y.value, ROLE_MARKER.get(role, "D")),
        markersize=8,
        markerfacecolor=face,
        markeredgecolor=colour,
        markeredgewidth=1.6,
        zorder=4,
    )


def _name_points(ax: Axes, named: Sequence[Placed]) -> None:
    """Names beside their points, once axes no longer move."""
    notes = [box_of(note.get_window_extent()) for note in ax.texts]
    pixels = [ax.transData.transform((n.point.cost.value, n.point.gain.value)) for n in named]
    steps = _strokes([pixel for pixel, n in zip(pixels, named, strict=True) if n.standing is Standing.FRONT])
    points = [
        Named(
            *(n.point.cost.value, n.point.gain.value, n.entry.label),
            MUTED if n.standing in (Standing.DOMINATED, Standing.NOISY) else INK,
        )
        for n in named
    ]
    name_points(ax, points, [*(bar for n in named for bar in whiskers(ax, n.point)), *steps, *notes])


def _strokes(corners: Sequence[Any]) -> list[Box]:
    """The staircase through these points as thin boxes, for names to keep clear of."""
    ordered = sorted((float(x), float(y)) for x, y in corners)
    if not ordered:
        return []
    ahead = [*ordered[1:], (ordered[-1][0] + 1e4, ordered[-1][1])]
    return [
        box
        for (x, y), (next_x, next_y) in zip(ordered, ahead, strict=True)
        for box in (Box(x, y - 2, next_x, y + 2), Box(next_x - 2, y, next_x + 2, next_y))
    ]


def _legend(figure: Any, entries: Sequence[Entry]) -> None:
    roles = [role for role in ROLE_COLOUR if any(entry.model.role == role for entry in entries)]
    handles = [
        Line2D([], [], linestyle="", marker=ROLE_MARKER[role], color=ROLE_COLOUR[role], markersize=7, label=role)
        for role in roles
    ]
    hollow: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": MUTED, "markeredgewidth": 1.5}
    handles += [
        Line2D([], [], color=INK, alpha=0.55, linewidth=1.2, label="Pareto front"),
        Line2D([], [], linestyle="", marker="o", markersize=7, label="behind the front, within intervals", **hollow),
        Line2D([], [], linestyle="", marker="o", color=FAINT, markersize=7, label="dominated"),
    ]
    if any(entry.model.noisy for entry in entries):
        faint: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": FAINT, "markeredgewidth": 1.5}
        handles.append(Line2D([], [], linestyle="", marker="o", markersize=7, label="noisy machine", **faint))
    figure.legend(
        handles=handles,
        loc="outside lower left",
        ncols=len(handles),
        frameon=False,
        fontsize=8.5,
        handletextpad=0.4,
        columnspacing=1.4,
    )


def _caption(entries: Sequence[Entry]) -> str:
    text = (
        "Vertical whiskers: envelope of the seeds' 95 % intervals over queries. Horizontal whiskers: 99 % interval "
        "of the median latency. Grey: another model is better in both even at its worst. Up and to the left is better."
    )
    if any(entry.model.noisy for entry in entries):
        text += " Hollow grey: timed while the machine was noisy, and in no front of times."
    missing = [
        f"{entry.label} has no {cost.title.lower()} ({value.reason})"
        for cost in COSTS
        for entry in entries
        if isinstance(value := cost.value(entry.model), Missing)
    ]
    return " ".join([text, *(f"{item}." for item in missing)])


def _alt(tradeoff: Tradeoff) -> str:
    ordered = sorted(tradeoff.entries, key=lambda entry: -entry.model.headline)
    values = ", ".join(f"{entry.label} {entry.model.headline:.1f} %" for entry in ordered)
    return f"{HEADLINE.title} against cost, {tradeoff.scope.title}: {values}."

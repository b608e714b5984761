"""Accuracy against cost: one figure a dataset, one panel a kind of cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from bench.report.frame import Row, number, reason, rows_of
from bench.report.labels import Box, nearest, needs_leader, place
from bench.report.pareto import Interval, Point, Standing, standings
from bench.report.quantity import binary, plural, prefix
from bench.report.seeds import best_floor, dataset_title, seeds_frame
from bench.report.style import FAINT, INK, MUTED, ROLE_COLOUR, ROLE_MARKER, Figure, canvas, finish, head, look
from bench.report.tables import model_label

METRIC = "R1@0.5"
_ROOMY = 5
"""More models than this need larger panels, so that each name stays near its point."""
_VEIL = {"facecolor": "white", "alpha": 0.6, "edgecolor": "none", "pad": 0.5}
"""Keeps a name readable where a crowd leaves no way around a line, without hiding the line."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A horizontal axis: its title, its column, its unit, and the multiples that unit comes in."""

    title: str
    column: str
    unit: str
    scale: Callable[[float], tuple[float, str]]


COSTS = (
    Cost("Latency of one query", "latency.median", "s", prefix),
    Cost("MACs of one query", "compute.macs", " MACs", prefix),
    Cost("Trainable parameters", "params.trainable", " parameters", prefix),
    Cost("Peak tensor memory", "memory.tensor_peak_bytes", "", binary),
)

_SCOPE = (
    "quality.dataset",
    "quality.synthetic",
    "quality.split",
    "quality.protocol",
    "execution.device",
    "execution.dtype",
    "execution.backend",
    "execution.threads",
    "workload.batch_size",
)
"""What all points of a figure have in common: accuracies and costs of different scopes never share an axis."""


def pareto_figures(cases: pd.DataFrame) -> list[Figure]:
    """One figure for each dataset and execution that has trained models."""
    scopes: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows_of(seeds_frame(cases)):
        if number(row, METRIC) is not None:
            scopes.setdefault(tuple(row.get(key) for key in _SCOPE), []).append(row)
    ordered = sorted(scopes.items(), key=lambda item: str(item[0]))
    stems = [f"pareto-{scope[0]}" for scope, _ in ordered]
    names = [f"{stem}-{stems[:i].count(stem) + 1}" if stems.count(stem) > 1 else stem for i, stem in enumerate(stems)]
    return [_figure(name, rows) for name, (_, rows) in zip(names, ordered, strict=True)]


def _figure(name: str, rows: list[Row]) -> Figure:
    first = rows[0]
    title = f"Accuracy against cost, {dataset_title(first)}"
    costs = [cost for cost in COSTS if any(number(row, cost.column) is not None for row in rows)]
    with look():
        across = min(2, max(1, len(costs)))
        down = max(1, -(-len(costs) // across))
        crowd = max(0, len(rows) - _ROOMY)
        figure = canvas((5.0 + 0.09 * crowd) * across, (3.6 + 0.13 * crowd) * down + 0.9)
        axes = figure.subplots(down, across, squeeze=False).flatten()
        head(figure, title, _scope_line(first))
        _legend(figure, rows)
        pending = [_panel(ax, cost, rows) for ax, cost in zip(axes, costs, strict=False)]
        for ax in axes[len(costs) :]:
            ax.set_visible(False)
        figure.draw_without_rendering()
        for ax, placed in zip(axes, pending, strict=False):
            _name_points(ax, placed)
        return finish(figure, name, title, _alt(rows), _caption(rows))


def _scope_line(row: Row) -> str:
    threads = number(row, "execution.threads")
    parts = [f"{row.get('quality.split')} split", f"{row.get('quality.protocol')} protocol"]
    parts += [str(row[key]) for key in ("execution.device", "execution.dtype", "execution.backend") if key in row]
    parts += [plural(threads, "thread")] if threads else []
    return ", ".join([*parts, f"batch {row.get('workload.batch_size')}"])


def _point(row: Row, cost: Cost, factor: float) -> Point | None:
    value, gain = number(row, cost.column), number(row, METRIC)
    if value is None or gain is None:
        return None
    return Point(_interval(row, cost.column, value, "_ci99", factor), _interval(row, METRIC, gain, "", 1.0))


def _interval(row: Row, column: str, value: float, suffix: str, factor: float) -> Interval:
    low, high = number(row, f"{column}{suffix}.low"), number(row, f"{column}{suffix}.high")
    low, high = value if low is None else low, value if high is None else high
    return Interval(min(low, value) / factor, value / factor, max(high, value) / factor)


@dataclass(frozen=True, slots=True)
class _Named:
    label: str
    point: Point
    standing: Standing


def _panel(ax: Axes, cost: Cost, rows: list[Row]) -> list[_Named]:
    """Draw points, whiskers, front and floor; the names wait until the layout is known."""
    factor, letter = cost.scale(max(number(row, cost.column) or 0.0 for row in rows))
    known = [(row, point) for row in rows if (point := _point(row, cost, factor)) is not None]
    states = standings([point for _, point in known])
    ax.set_title(cost.title)
    ax.set_xlabel(f"{letter}{cost.unit}")
    _scales(ax, [point for _, point in known])
    _floor(ax, rows)
    _front(ax, [point for (_, point), state in zip(known, states, strict=True) if state is Standing.FRONT])
    for (row, point), state in zip(known, states, strict=True):
        _draw(ax, str(row["model.role"]), point, state)
    return [_Named(model_label(r, rows), p, state) for (r, p), state in zip(known, states, strict=True)]


def _scales(ax: Axes, points: Sequence[Point]) -> None:
    values = [bound for point in points for bound in (point.cost.low, point.cost.high)]
    low, high = min(values), max(values)
    if high > 4 * low > 0:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if high < 200 * low else (1.0,)))
        ax.set_xlim(low / (high / low) ** 0.12, high * (high / low) ** 0.25)
    else:
        ax.set_xlim(0, high * 1.3)
        ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
    ax.set_ylabel(METRIC)
    sns.despine(ax=ax, left=True)


def _floor(ax: Axes, rows: Sequence[Row]) -> None:
    found = [floor for row in rows if (floor := best_floor(row, METRIC)) is not None]
    tops = [value for row in rows if (value := number(row, f"{METRIC}.high")) is not None]
    bottoms = [value for row in rows if (value := number(row, f"{METRIC}.low")) is not None]
    lowest = min([*bottoms, *(value for _, value in found)])
    span = max(max(tops) - lowest, 1.0)
    ax.set_ylim(max(0.0, lowest - 0.10 * span), max(tops) + 0.14 * span)
    if found:
        name, value = max(found, key=lambda floor: floor[1])
        ax.axhline(value, color=MUTED, linewidth=1, linestyle=(0, (5, 4)), zorder=1)
        ax.annotate(
            f"{name} floor {value:.1f} %",
            (0.99, value),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            fontsize=8.5,
            color=MUTED,
        )


def _front(ax: Axes, points: Sequence[Point]) -> None:
    ordered = sorted(points, key=lambda point: point.cost.value)
    xs = [point.cost.value for point in ordered]
    ys = [point.gain.value for point in ordered]
    # The front reaches on to dearer models: whatever lies below it there is dominated.
    ax.step([*xs, ax.get_xlim()[1]], [*ys, ys[-1]], where="post", color=INK, linewidth=1.2, alpha=0.55, zorder=2)


def _draw(ax: Axes, role: str, point: Point, state: Standing) -> None:
    colour: Any = FAINT if state is Standing.DOMINATED else ROLE_COLOUR.get(role, INK)
    x, y = point.cost, point.gain
    whisker = {"color": colour, "linewidth": 1.3, "zorder": 3, "solid_capstyle": "butt"}
    ax.plot([x.low, x.high], [y.value, y.value], **whisker)
    ax.plot([x.value, x.value], [y.low, y.high], **whisker)
    face = "white" if state is Standing.CONTENDER else colour
    ax.plot(
        *(x.value, y.value, ROLE_MARKER.get(role, "D")),
        markersize=8,
        markerfacecolor=face,
        markeredgecolor=colour,
        markeredgewidth=1.6,
        zorder=4,
    )


def _name_points(ax: Axes, named: Sequence[_Named]) -> None:
    """Names beside their points, in pixels, once axes no longer move."""
    notes = [_box(note.get_window_extent()) for note in ax.texts]
    pixels = [ax.transData.transform((n.point.cost.value, n.point.gain.value)) for n in named]
    inks = [MUTED if n.standing is Standing.DOMINATED else INK for n in named]
    texts = [
        ax.text(0, 0, n.label, fontsize=9, va="center", ha="center", zorder=5, color=ink, bbox=_VEIL)
        for n, ink in zip(named, inks, strict=True)
    ]
    extents = [text.get_window_extent() for text in texts]
    steps = _strokes([pixel for pixel, n in zip(pixels, named, strict=True) if n.standing is Standing.FRONT])
    dots = [Box(x - 7, y - 7, x + 7, y + 7) for x, y in pixels]
    boxes = place(
        [(float(x), float(y)) for x, y in pixels],
        [(extent.width + 4, extent.height) for extent in extents],
        [*dots, *(bar for n in named for bar in _whiskers(ax, n.point)), *steps, *notes],
        _box(ax.get_window_extent()),
    )
    back = ax.transData.inverted()
    for text, box, (x, y) in zip(texts, boxes, pixels, strict=True):
        text.set_position(tuple(back.transform(((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2))))
        if needs_leader((x, y), box):
            start, end = back.transform((x, y)), back.transform(nearest((x, y), box))
            ax.plot([start[0], end[0]], [start[1], end[1]], color=MUTED, linewidth=0.6, zorder=2.5)


def _box(extent: Any) -> Box:
    return Box(extent.x0, extent.y0, extent.x1, extent.y1)


def _whiskers(ax: Axes, point: Point) -> list[Box]:
    x, y = ax.transData.transform((point.cost.value, point.gain.value))
    left, bottom = ax.transData.transform((point.cost.low, point.gain.low))
    right, top = ax.transData.transform((point.cost.high, point.gain.high))
    return [Box(x - 2, bottom, x + 2, top), Box(left, y - 2, right, y + 2)]


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


def _legend(figure: Any, rows: list[Row]) -> None:
    roles = [role for role in ROLE_COLOUR if any(row["model.role"] == role for row in rows)]
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
    figure.legend(
        handles=handles,
        loc="outside lower left",
        ncols=len(handles),
        frameon=False,
        fontsize=8.5,
        handletextpad=0.4,
        columnspacing=1.4,
    )


def _caption(rows: list[Row]) -> str:
    text = (
        "Vertical whiskers: envelope of the seeds' 95 % intervals over queries. Horizontal whiskers: 99 % interval "
        "of the median latency. Grey: another model is better in both even at its worst. Up and to the left is better."
    )
    missing = [
        f"{model_label(row, rows)} has no {cost.title.lower()} ({reason(row, cost.column)})"
        for cost in COSTS
        for row in rows
        if number(row, cost.column) is None
    ]
    return " ".join([text, *(f"{item}." for item in missing)])


def _alt(rows: list[Row]) -> str:
    ordered = sorted(rows, key=lambda row: -(number(row, METRIC) or 0.0))
    values = ", ".join(f"{model_label(row, rows)} {number(row, METRIC) or 0.0:.1f} %" for row in ordered)
    return f"{METRIC} against cost, {dataset_title(rows[0])}: {values}."

"""What batching buys: queries per second against batch size."""

from __future__ import annotations

from collections.abc import Sequence

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from bench.report.content.cases import Group
from bench.report.content.curves import Curve
from bench.report.figures.placing import spread
from bench.report.figures.style import MUTED, PALETTE, Figure, brief, canvas, finish, head, look
from bench.report.figures.throughput_plot import throughput_plot
from bench.report.quantity import digits, si

_CURVE_IN = 2.2
"""Width of a panel without its names, in inches."""
_LINES = ("-", "--", ":")


def throughput_figures(groups: Sequence[Group[Curve]]) -> list[Figure]:
    """One panel a dataset, one line a model; nothing where no case has a curve."""
    if not groups:
        return []
    models = list(dict.fromkeys(curve.label for group in groups for curve in group.rows))
    title = "What batching buys"
    with look():
        figure = canvas(0.8 + (_CURVE_IN + _name_room(models)) * len(groups), 1.1 + max(3.2, 0.24 * len(models) + 1.0))
        axes = figure.subplots(1, len(groups), squeeze=False, sharey=True).flatten()
        subtitle = "Queries per second against batch size; the ring marks the knee, × a batch that did not fit"
        head(figure, title, subtitle)
        for ax, group in zip(axes, groups, strict=True):
            _panel(ax, group, models)
        figure.draw_without_rendering()
        for ax, group in zip(axes, groups, strict=True):
            _name_lines(ax, group.rows, models)
        caption = "The knee is the batch size from which larger batches stop paying. Both axes are logarithmic."
        alt = (
            f"Throughput against batch size for {', '.join(models)} on {', '.join(group.dataset for group in groups)}."
        )
        return [finish(figure, "throughput", title, alt, caption, throughput_plot(groups, models, subtitle))]


def _name_room(models: list[str]) -> float:
    """Inches that the longest name takes."""
    return 0.35 + 0.074 * max(len(brief(model)) for model in models)


def _colour(model: str, models: list[str]) -> tuple[float, float, float]:
    return PALETTE[models.index(model) % 10]


def _panel(ax: Axes, group: Group[Curve], models: list[str]) -> None:
    for curve in group.rows:
        colour, line = _colour(curve.label, models), _LINES[models.index(curve.label) // 10 % 3]
        xs, ys = [x for x, _ in curve.points], [y for _, y in curve.points]
        sns.lineplot(x=xs, y=ys, ax=ax, color=colour, linestyle=line, marker="o", markersize=5)
        for x, y in curve.points:
            if x == curve.knee:
                ax.plot(x, y, "o", markersize=11, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=1.6)
        for x in curve.too_large:
            ax.plot(x, ys[-1], "x", markersize=7, color=colour, markeredgewidth=1.8)
    batches = sorted({batch for curve in group.rows for batch in curve.batches})
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xticks(batches, [f"{batch:.0f}" for batch in batches])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: si(value) if value >= 1 else digits(value, 1)))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_title(f"{brief(group.dataset)} sizes")
    ax.set_xlabel("batch size")
    ax.set_ylabel("queries per second")
    # Room for the names at the right-hand end of the lines.
    room = _name_room(models) / _CURVE_IN
    ax.set_xlim(batches[0] / 1.2, batches[-1] * (batches[-1] / batches[0]) ** room)
    sns.despine(ax=ax, left=True)


def _name_lines(ax: Axes, curves: Sequence[Curve], models: list[str]) -> None:
    """Names right of the last point, moved apart, with a thin line where the name had to move."""
    last = max(batch for curve in curves for batch in curve.batches)
    ends = [ax.transData.transform((last, curve.points[-1][1])) for curve in curves]
    frame = ax.get_window_extent()
    gap = 12.5 / 72 * ax.figure.dpi
    heights = spread([float(end[1]) for end in ends], gap, frame.y0 + gap / 2, frame.y1 - gap / 2)
    back = ax.transData.inverted()
    for curve, end, height in zip(curves, ends, heights, strict=True):
        target = back.transform((end[0] + 16, height))
        start = back.transform((end[0] + 5, end[1]))
        if abs(height - end[1]) > 3:
            ax.plot([start[0], target[0]], [start[1], target[1]], color=MUTED, linewidth=0.6)
        dark = tuple(0.72 * channel for channel in _colour(curve.label, models))
        x, y = back.transform((end[0] + 19, height))
        ax.text(x, y, brief(curve.label), va="center", fontsize=9, color=dark)

"""What batching buys: queries per second against batch size."""

from __future__ import annotations

from collections.abc import Sequence

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from bench.report.content.cases import Group
from bench.report.content.curves import Curve
from bench.report.figures.extent import within
from bench.report.figures.named_lines import colour, dashes, name_lines, name_room
from bench.report.figures.style import Figure, brief, canvas, finish, head, look
from bench.report.figures.throughput_plot import throughput_plot
from bench.report.quantity import digits, si

_CURVE_IN = 2.2
"""Width of a panel without its names, in inches."""


def throughput_figures(groups: Sequence[Group[Curve]]) -> list[Figure]:
    """One panel a dataset, one line a model; nothing where no case has a curve."""
    if not groups:
        return []
    groups, left_out = within(groups)
    models = list(dict.fromkeys(curve.label for group in groups for curve in group.rows))
    title = "What batching buys"
    with look():
        figure = canvas(0.8 + (_CURVE_IN + name_room(models)) * len(groups), 1.1 + max(3.2, 0.24 * len(models) + 1.0))
        axes = figure.subplots(1, len(groups), squeeze=False, sharey=True).flatten()
        subtitle = "Queries per second against batch size; the ring marks the knee, × a batch that did not fit"
        head(figure, title, subtitle)
        for ax, group in zip(axes, groups, strict=True):
            _panel(ax, group, models)
        figure.draw_without_rendering()
        for ax, group in zip(axes, groups, strict=True):
            last = max(batch for curve in group.rows for batch in curve.batches)
            name_lines(ax, [(curve.label, curve.points[-1][1]) for curve in group.rows], last, models)
        caption = "The knee is the batch size from which larger batches stop paying. Both axes are logarithmic."
        alt = (
            f"Throughput against batch size for {', '.join(models)} on {', '.join(group.dataset for group in groups)}."
        )
        return [finish(figure, "throughput", title, alt, caption + left_out, throughput_plot(groups, models, subtitle))]


def _panel(ax: Axes, group: Group[Curve], models: list[str]) -> None:
    for curve in group.rows:
        tone, line = colour(curve.label, models), dashes(curve.label, models)
        xs, ys = [x for x, _ in curve.points], [y for _, y in curve.points]
        sns.lineplot(x=xs, y=ys, ax=ax, color=tone, linestyle=line, marker="o", markersize=5)
        for x, y in curve.points:
            if x == curve.knee:
                ax.plot(x, y, "o", markersize=11, markerfacecolor="none", markeredgecolor=tone, markeredgewidth=1.6)
        for x in curve.too_large:
            ax.plot(x, ys[-1], "x", markersize=7, color=tone, markeredgewidth=1.8)
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
    room = name_room(models) / _CURVE_IN
    ax.set_xlim(batches[0] / 1.2, batches[-1] * (batches[-1] / batches[0]) ** room)
    sns.despine(ax=ax, left=True)

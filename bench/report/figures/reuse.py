"""What sharing a video saves: the cost of a query against the number of queries that share its video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from bench.report.content.cases import Group
from bench.report.content.reuse import Each, Shared
from bench.report.figures.named_lines import colour, dashes, name_lines, name_room
from bench.report.figures.reuse_plot import reuse_plot
from bench.report.figures.style import Figure, brief, canvas, finish, head, look
from bench.report.quantity import share, si

_CURVE_IN = 2.2
"""Width of a panel without its names, in inches."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a query costs, and in which unit."""

    name: str
    unit: str
    groups: Sequence[Group[Shared]]


def reuse_figures(macs: Sequence[Group[Shared]], seconds: Sequence[Group[Shared]]) -> list[Figure]:
    """One panel a quantity and dataset, one line a model; nothing where nothing is known of several queries."""
    quantities = [
        Quantity("MACs", "", macs),
        Quantity("Time", "s", seconds),
    ]
    panels = [(quantity, _drawn(group)) for quantity in quantities for group in quantity.groups]
    if not panels:
        return []
    models = list(dict.fromkeys(row.label for _, group in panels for row in group.rows))
    title = "What a query costs where several share a video"
    subtitle = "Against queries a video, which is encoded once for all of them"
    across = max(len(quantity.groups) for quantity in quantities)
    with look():
        down = -(-len(panels) // across)
        height = max(3.2, 0.24 * len(models) + 1.0)
        figure = canvas(0.8 + (_CURVE_IN + name_room(models)) * across, 1.1 + height * down)
        head(figure, title, subtitle)
        axes = figure.subplots(down, across, squeeze=False).flatten()
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        for ax, (quantity, group) in zip(axes, panels, strict=False):
            _panel(ax, quantity, group, models)
        figure.draw_without_rendering()
        for ax, (_, group) in zip(axes, panels, strict=False):
            last = max(max(row.known()) for row in group.rows)
            name_lines(ax, [(row.label, _last(row).value) for row in group.rows], last, models)
        plot = reuse_plot([(q.name, q.unit, group) for q, group in panels], models, subtitle)
        return [finish(figure, "queries-per-video", title, _alt(panels), _CAPTION, plot)]


_CAPTION = (
    "A model that does much for the video alone gains most. MACs are exact. A full mark is a time that was measured, a "
    "hollow one follows from the times of the stages. Both axes are logarithmic."
)


def _drawn(group: Group[Shared]) -> Group[Shared]:
    """Without models of which a single query's cost is all that is known."""
    return Group(group.dataset, tuple(row for row in group.rows if 1 in row.known() and len(row.known()) > 1))


def _last(row: Shared) -> Each:
    return list(row.known().values())[-1]


def _panel(ax: Axes, quantity: Quantity, group: Group[Shared], models: Sequence[str]) -> None:
    for row in group.rows:
        tone, found = colour(row.label, models), row.known()
        heights = [each.value for each in found.values()]
        ax.plot(list(found), heights, color=tone, linestyle=dashes(row.label, models), linewidth=1.5)
        for number, each in found.items():
            fill = tone if each.measured else "white"
            ax.plot(number, each.value, "o", markersize=5, markeredgecolor=tone, markerfacecolor=fill)
    numbers = sorted({number for row in group.rows for number in row.known()})
    ax.set_xscale("log")
    ax.set_xticks(numbers, [f"{number:,}" for number in numbers])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 20 * low else (1.0, 3.0)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: si(value, quantity.unit)))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_title(f"{quantity.name}, {brief(group.dataset)} sizes")
    ax.set_xlabel("queries a video")
    room = name_room(models) / _CURVE_IN
    ax.set_xlim(numbers[0] / 1.2, numbers[-1] * (numbers[-1] / numbers[0]) ** room)
    sns.despine(ax=ax, left=True)


def _alt(panels: Sequence[tuple[Quantity, Group[Shared]]]) -> str:
    """Who saves most, and who least, panel by panel."""
    found = []
    for quantity, group in panels:
        ends = sorted((_last(row).value / row.known()[1].value, max(row.known()), row.label) for row in group.rows)
        told = [
            f"{label} {share(100 * rest)} at {queries:,}" for rest, queries, label in dict.fromkeys((ends[0], ends[-1]))
        ]
        found.append(f"{quantity.name} at the sizes of {group.dataset}: {' to '.join(told)}")
    return f"Cost of a query by queries a video; in percent of a single query's, from most saved: {'; '.join(found)}."

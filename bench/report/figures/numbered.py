"""The cost of a query against a number: one panel a quantity and dataset, one line a model."""

from __future__ import annotations

from collections.abc import Sequence

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from bench.report.content.cases import Group
from bench.report.content.numbered import Numbered
from bench.report.figures.named_lines import colour, dashes, name_lines, name_room
from bench.report.figures.numbered_plot import Quantity, Wording, numbered_plot
from bench.report.figures.style import Figure, brief, canvas, finish, head, look

_CURVE_IN = 2.2
"""Width of a panel without its names, in inches."""


def numbered_figures(quantities: Sequence[Quantity], wording: Wording) -> list[Figure]:
    """One figure; none where of no model two numbers are known."""
    panels = [
        (quantity, drawn) for quantity in quantities for group in quantity.groups if (drawn := _drawn(group)).rows
    ]
    if not panels:
        return []
    models = list(dict.fromkeys(row.label for _, group in panels for row in group.rows))
    across = max(sum(there is quantity for there, _ in panels) for quantity, _ in panels)
    with look():
        down = -(-len(panels) // across)
        height = max(3.2, 0.24 * len(models) + 1.0)
        figure = canvas(0.8 + (_CURVE_IN + name_room(models)) * across, 1.1 + height * down)
        head(figure, wording.title, wording.subtitle)
        axes = figure.subplots(down, across, squeeze=False).flatten()
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        for ax, (quantity, group) in zip(axes, panels, strict=False):
            _panel(ax, quantity, group, models, wording.across)
        figure.draw_without_rendering()
        for ax, (_, group) in zip(axes, panels, strict=False):
            last = max(max(row.known()) for row in group.rows)
            name_lines(ax, [(row.label, row.last.value) for row in group.rows], last, models)
        plot = numbered_plot(panels, models, wording)
        return [finish(figure, wording.name, wording.title, wording.alt(panels), wording.caption, plot)]


def _drawn(group: Group[Numbered]) -> Group[Numbered]:
    """Without models of which a single number's cost is all that is known."""
    first = min((number for row in group.rows for number in row.known()), default=0)
    return Group(group.dataset, tuple(row for row in group.rows if first in row.known() and len(row.known()) > 1))


def _panel(ax: Axes, quantity: Quantity, group: Group[Numbered], models: Sequence[str], across: str) -> None:
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
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity.written(value)))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_title(f"{quantity.name}, {brief(group.dataset)} sizes")
    ax.set_xlabel(across)
    room = name_room(models) / _CURVE_IN
    ax.set_xlim(numbers[0] / 1.2, numbers[-1] * (numbers[-1] / numbers[0]) ** room)
    sns.despine(ax=ax, left=True)

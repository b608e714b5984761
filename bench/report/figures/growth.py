"""Time and memory of a query against the length of its video."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.content.cases import Group
from bench.report.content.growth import Growing
from bench.report.content.numbered import Each, Numbered
from bench.report.figures.numbered import numbered_figures
from bench.report.figures.numbered_plot import Quantity, Wording
from bench.report.figures.plot import Key
from bench.report.figures.style import Figure
from bench.report.quantity import byte_size, si


def growth_figures(groups: Sequence[Group[Growing]]) -> list[Figure]:
    """One panel a quantity and dataset, one line a model; nothing where no two lengths were measured."""
    seconds = [Group(group.dataset, tuple(row.seconds for row in group.rows)) for group in groups]
    memory = [Group(group.dataset, tuple(row.memory for row in group.rows)) for group in groups]
    return numbered_figures([Quantity("Time", _seconds, seconds), Quantity("Activations", byte_size, memory)], _WORDING)


def _seconds(value: float) -> str:
    return si(value, "s")


def _told(quantity: Quantity, row: Numbered, number: int, each: Each) -> str:
    return f"{row.label}, {number:,} clips: {quantity.written(each.value)}"


def _alt(panels: Sequence[tuple[Quantity, Group[Numbered]]]) -> str:
    """What each model takes at most, panel by panel."""
    found = []
    for quantity, group in panels:
        told = [f"{row.label} {quantity.written(row.last.value)} at {max(row.known()):,} clips" for row in group.rows]
        found.append(f"{quantity.name} at the sizes of {group.dataset}: {', '.join(told)}")
    return f"Cost of a query by the length of its video; {'; '.join(found)}."


_WORDING = Wording(
    name="growth",
    title="What a longer video costs",
    subtitle="One query against the clips of its video",
    across="clips",
    caption="Medians of single queries; activations are what intermediate tensors take at once. Both axes are "
    "logarithmic: a straight line of slope 2 is four times as much for twice the clips.",
    keys=(Key("circle", "muted", "measured"),),
    told=_told,
    alt=_alt,
)

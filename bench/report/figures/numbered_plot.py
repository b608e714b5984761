"""The cost of a query against a number, for the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.report.content.cases import Group
from bench.report.content.numbered import Each, Numbered
from bench.report.content.pareto import Interval
from bench.report.figures.plot import Axis, Dot, Key, Panel, Path, Plot, axis
from bench.report.figures.style import brief


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a query costs, how that is written, and the models of each dataset."""

    name: str
    written: Callable[[float], str]
    groups: Sequence[Group[Numbered]]


@dataclass(frozen=True, slots=True)
class Wording:
    """What such a figure says."""

    name: str
    """Of its file."""
    title: str
    subtitle: str
    across: str
    """Title of the horizontal axis."""
    caption: str
    keys: tuple[Key, ...]
    told: Callable[[Quantity, Numbered, int, Each], str]
    """Of one mark, in words."""
    alt: Callable[[Sequence[tuple[Quantity, Group[Numbered]]]], str]


def numbered_plot(panels: Sequence[tuple[Quantity, Group[Numbered]]], models: Sequence[str], wording: Wording) -> Plot:
    """Of models of which at least two costs are known; a model has one colour in all panels."""
    tones = {model: f"series-{i % 10}" for i, model in enumerate(models)}
    found = tuple(_panel(quantity, group, tones, wording) for quantity, group in panels)
    return Plot(wording.subtitle, found, wording.keys)


def _panel(quantity: Quantity, group: Group[Numbered], tones: dict[str, str], wording: Wording) -> Panel:
    numbers = sorted({number for row in group.rows for number in row.known()})
    ends = numbers[0] / 1.3, numbers[-1] * 1.3
    values = [each.value for row in group.rows for each in row.known().values()]
    return Panel(
        title=f"{quantity.name}, {brief(group.dataset)} sizes",
        x=Axis(wording.across, *ends, tuple((float(number), f"{number:,}") for number in numbers), log=True),
        y=axis(f"{quantity.name} of a query", values, quantity.written, room=0.08),
        paths=tuple(_path(row, tones[row.label]) for row in group.rows),
        dots=tuple(
            _dot(row, number, each, tones[row.label], wording.told(quantity, row, number, each))
            for row in group.rows
            for number, each in row.known().items()
        ),
    )


def _path(row: Numbered, tone: str) -> Path:
    points = tuple((float(number), each.value) for number, each in row.known().items())
    return Path(points=points, tone=tone, name=brief(row.label), subject=row.subject)


def _dot(row: Numbered, number: int, each: Each, tone: str, told: str) -> Dot:
    return Dot(
        x=Interval(number, number, number),
        y=Interval(each.value, each.value, each.value),
        tone=tone,
        hollow=not each.measured,
        told=told,
        subject=row.subject,
    )

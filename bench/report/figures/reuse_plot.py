"""The cost of a query against queries per video, for the page."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.content.cases import Group
from bench.report.content.pareto import Interval
from bench.report.content.reuse import Each, Shared
from bench.report.figures.plot import Axis, Dot, Key, Panel, Path, Plot, axis
from bench.report.figures.style import brief
from bench.report.quantity import share, si


def reuse_plot(panels: Sequence[tuple[str, str, Group[Shared]]], models: Sequence[str], subtitle: str) -> Plot:
    """Of a quantity, its unit, and models of which at least two costs are known; a model has one colour in all."""
    tones = {model: f"series-{i % 10}" for i, model in enumerate(models)}
    keys = (
        Key("circle", "muted", "exact, or measured"),
        Key("circle", "muted", "from the times of the stages", hollow=True),
    )
    return Plot(subtitle, tuple(_panel(name, unit, group, tones) for name, unit, group in panels), keys)


def _panel(name: str, unit: str, group: Group[Shared], tones: dict[str, str]) -> Panel:
    numbers = sorted({number for row in group.rows for number in row.known()})
    ends = numbers[0] / 1.3, numbers[-1] * 1.3
    values = [each.value for row in group.rows for each in row.known().values()]
    return Panel(
        title=f"{name}, {brief(group.dataset)} sizes",
        x=Axis("queries a video", *ends, tuple((float(number), f"{number:,}") for number in numbers), log=True),
        y=axis(f"{name} of a query", values, lambda value: si(value, unit), room=0.08),
        paths=tuple(_path(row, tones[row.label]) for row in group.rows),
        dots=tuple(
            _dot(row, number, each, tones[row.label], f"{si(each.value, unit)}{'' if unit else ' MACs'}")
            for row in group.rows
            for number, each in row.known().items()
        ),
    )


def _path(row: Shared, tone: str) -> Path:
    points = tuple((float(number), each.value) for number, each in row.known().items())
    return Path(points=points, tone=tone, name=brief(row.label), subject=row.subject)


def _dot(row: Shared, number: int, each: Each, tone: str, written: str) -> Dot:
    part = share(100 * each.value / row.known()[1].value)
    estimated = "" if each.measured else ", from the times of the stages"
    queries = "1 query" if number == 1 else f"{number:,} queries"
    return Dot(
        x=Interval(number, number, number),
        y=Interval(each.value, each.value, each.value),
        tone=tone,
        hollow=not each.measured,
        told=f"{row.label}, {queries} a video: {written} a query, {part} of a single one{estimated}",
        subject=row.subject,
    )

"""What aggregation does, for the page: the weights of all queries, and single queries in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bench.report.content.pareto import Interval
from bench.report.content.study import BOUNDARIES, Aggregation, Array, Example
from bench.report.figures.plot import Axis, Dot, Key, Panel, Path, Plot, Rule, Tile, even_ticks
from bench.report.figures.style import brief
from bench.report.quantity import share
from bench.safe import short

SERIES = (0, 2, 4, 9, 5, 8)
"""Colours of the teachers: those that keep clear of the student's."""
_COLUMNS = 20
"""Of stacked weights; with more queries than this a column is the mean of neighbours."""
_SENTENCE = 40


def tone_of(teacher: int) -> str:
    """The colour of a teacher, by its number."""
    return f"series-{SERIES[teacher % len(SERIES)]}"


def weights_plot(found: Aggregation, ordered: Sequence[Array], subtitle: str) -> Plot:
    """Stacked weights, one panel a boundary; `ordered` has the weights `[Q, K]` of each, as queries stand."""
    keys = tuple(Key("block", tone_of(k), brief(name)) for k, name in enumerate(found.teachers))
    panels = (_weights(name, found, weights) for name, weights in zip(BOUNDARIES, ordered, strict=True))
    return Plot(subtitle, tuple(panels), keys)


def _weights(boundary: str, found: Aggregation, weights: Array) -> Panel:
    teachers = len(found.teachers)
    return Panel(
        title=f"Weight of the {boundary}",
        x=Axis("queries, by the teacher trusted most", 0.0, 100.0, tuple((t, share(t)) for t in (0, 25, 50, 75, 100))),
        y=Axis("weight", 0.0, 1.0, tuple((tick, f"{tick:g}") for tick in (0.0, 0.5, 1.0))),
        tiles=tuple(_columns(boundary, found.teachers, weights)),
        rules=tuple(Rule(k / teachers) for k in range(1, teachers)),
    )


def _columns(boundary: str, teachers: Sequence[str], weights: Array) -> Iterator[Tile]:
    """Column by column, each from below."""
    left = 0
    for column in np.array_split(weights, min(_COLUMNS, len(weights))):
        ends = 100 * left / len(weights), 100 * (left + len(column)) / len(weights)
        low = 0.0
        for k, (name, weight) in enumerate(zip(teachers, column.mean(0), strict=True)):
            yield Tile(
                left=ends[0],
                right=ends[1],
                low=low,
                high=low + float(weight),
                tone=tone_of(k),
                told=f"{boundary}, queries {ends[0]:.0f} to {ends[1]:.0f} %: {brief(name)} weighs {weight:.2f}",
            )
            low += float(weight)
        left += len(column)


def queries_plot(found: Aggregation, subtitle: str) -> Plot:
    """Single queries, one panel a boundary: what each says of every clip, and where it says it loudest."""
    keys = (
        *(Key("line", tone_of(k), brief(name)) for k, name in enumerate(found.teachers)),
        Key("line", "muted", "aggregated"),
        Key("line", "student", "student"),
        Key("block", "truth", "annotated moment"),
    )
    panels = (_query(found, one, i) for one in found.examples for i in range(len(BOUNDARIES)))
    return Plot(subtitle, tuple(panels), keys)


def _query(found: Aggregation, one: Example, i: int) -> Panel:
    boundary, (start, end) = BOUNDARIES[i], one.moment_s
    named = [
        *((brief(name), tone_of(k), one.teachers[k, i]) for k, name in enumerate(found.teachers)),
        ("aggregated", "muted", one.aggregated[i]),
        ("student", "student", one.student[i]),
    ]
    top = 1.08 * max(float(values.max()) for _, _, values in named)
    said = short(one.sentence, _SENTENCE)
    weights = ", ".join(f"{brief(n)} {w:.2f}" for n, w in zip(found.teachers, one.weights[:, i], strict=True))
    truth = f"“{said}”, annotated from {start:.1f} to {end:.1f} s; weights of the {boundary}: {weights}"
    return Panel(
        title=f"{boundary.capitalize()} of “{said}”",
        x=Axis("seconds", 0.0, one.duration_s, tuple((tick, f"{tick:g}") for tick in even_ticks(0.0, one.duration_s))),
        y=Axis("probability", 0.0, top, tuple((tick, f"{100 * tick:g} %") for tick in even_ticks(0.0, top, 3))),
        tiles=(Tile(left=start, right=min(end, one.duration_s), low=0.0, high=top, tone="truth", told=truth),),
        rules=(Rule((start, end)[i], upright=True),),
        paths=tuple(Path(points=_centres(values, one.duration_s), tone=tone) for _, tone, values in named),
        dots=tuple(_peak(name, tone, _centres(values, one.duration_s), boundary) for name, tone, values in named),
    )


def _centres(values: Array, duration_s: float) -> tuple[tuple[float, float], ...]:
    """Centre of each clip, and its value."""
    width = duration_s / len(values)
    return tuple(((clip + 0.5) * width, float(value)) for clip, value in enumerate(values))


def _peak(name: str, tone: str, points: Sequence[tuple[float, float]], boundary: str) -> Dot:
    x, y = max(points, key=lambda point: point[1])
    return Dot(
        x=Interval(x, x, x),
        y=Interval(y, y, y),
        tone=tone,
        told=f"{name}: {boundary} most likely at {x:.1f} s, with {share(100 * y)}",
    )

"""Accuracy against cost, for the page: one panel a kind of cost."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.content.pareto import Interval, Standing
from bench.report.content.standings import Cost, Placed, Tradeoff
from bench.report.content.subject import of_model
from bench.report.figures.plot import Axis, Dot, Key, Panel, Path, Plot, Rule, Shape, axis, even_ticks
from bench.report.figures.style import brief
from bench.report.quantity import digits
from emtm.metrics.metric import HEADLINE

_SHAPES: dict[str, Shape] = {"student": "circle", "teacher": "triangle", "baseline": "square"}
_GREY = (Standing.DOMINATED, Standing.NOISY)
_HOLLOW = (Standing.CONTENDER, Standing.NOISY)


def pareto_plot(tradeoff: Tradeoff, subtitle: str) -> Plot:
    """Every cost of the models of one scope."""
    roles = {entry.model.role for entry in tradeoff.entries}
    keys = [Key(shape, role, role) for role, shape in _SHAPES.items() if role in roles]
    keys += [
        Key("line", "front", "Pareto front"),
        Key("circle", "muted", "behind the front, within intervals", hollow=True),
        Key("circle", "faint", "dominated"),
    ]
    if any(entry.model.noisy for entry in tradeoff.entries):
        keys.append(Key("circle", "faint", "noisy machine", hollow=True))
    return Plot(subtitle, tuple(_panel(cost, placed, tradeoff) for cost, placed in tradeoff.panels), tuple(keys))


def _panel(cost: Cost, placed: Sequence[Placed], tradeoff: Tradeoff) -> Panel:
    factor, letter = cost.scale(max(one.point.cost.value for one in placed))
    bounds = [bound / factor for one in placed for bound in (one.point.cost.low, one.point.cost.high)]
    across = axis(f"{cost.title}, {letter}{cost.unit}".replace(",  ", ", "), bounds, lambda value: f"{value:g}")
    front = sorted((one for one in placed if one.standing is Standing.FRONT), key=lambda one: one.point.cost.value)
    corners = [(one.point.cost.value / factor, one.point.gain.value) for one in front]
    floors = [max(tradeoff.floors, key=lambda floor: floor[1])] if tradeoff.floors else []
    return Panel(
        title=cost.title,
        x=across,
        y=_accuracy(tradeoff),
        rules=tuple(Rule(value, f"{brief(name)} floor {value:.1f} %") for name, value in floors),
        paths=(Path(points=_stairs(corners, across.high), tone="front"),) if corners else (),
        dots=tuple(_dot(cost, one, factor, f"{letter}{cost.unit}") for one in placed),
    )


def _accuracy(tradeoff: Tradeoff) -> Axis:
    gains = [entry.model.accuracy[HEADLINE] for entry in tradeoff.entries]
    top = max(gain.high for gain in gains)
    lowest = min([*(gain.low for gain in gains), *(value for _, value in tradeoff.floors)])
    span = max(top - lowest, 1.0)
    ends = max(0.0, lowest - 0.10 * span), top + 0.14 * span
    return Axis(HEADLINE.title, *ends, tuple((tick, f"{tick:.0f} %") for tick in even_ticks(*ends)))


def _stairs(corners: Sequence[tuple[float, float]], end: float) -> tuple[tuple[float, float], ...]:
    """Along the front and on to dearer models: whatever lies below is dominated."""
    points = [corners[0]]
    for x, y in corners[1:]:
        points += [(x, points[-1][1]), (x, y)]
    return (*points, (end, points[-1][1]))


def _dot(cost: Cost, one: Placed, factor: float, unit: str) -> Dot:
    model, point = one.entry.model, one.point
    x = Interval(point.cost.low / factor, point.cost.value / factor, point.cost.high / factor)
    between = "" if x.low == x.high else f" [{digits(x.low)}, {digits(x.high)}]"
    gain = f"{HEADLINE.title} {point.gain.value:.1f} % [{point.gain.low:.1f}, {point.gain.high:.1f}]"
    return Dot(
        x=x,
        y=point.gain,
        shape=_SHAPES.get(model.role, "circle"),
        tone="faint" if one.standing in _GREY else model.role,
        hollow=one.standing in _HOLLOW,
        name=brief(one.entry.label),
        told=f"{one.entry.label}: {gain}, {cost.title.lower()} {digits(x.value)}{between} {unit.strip()}; "
        f"{one.standing.value}",
        subject=of_model(one.entry.label, model),
    )

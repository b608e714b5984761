"""Gains over the student alone, for the page: one panel a metric."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.content.pareto import Interval
from bench.report.content.study import Variant
from bench.report.figures.plot import Axis, Dot, Key, Panel, Path, Plot, Rule, even_ticks
from bench.report.figures.style import brief
from bench.report.quantity import plus_minus
from emtm.metrics.metric import SHORT_LIST, Metric
from emtm.metrics.paired import MeanInterval

_TONES = {1: "gain", 0: "muted", -1: "loss"}


def gains_plot(rows: Sequence[Variant], alone: Variant, subtitle: str) -> Plot:
    """Of variants that have gains, in this order from below."""
    keys = (
        Key("circle", "gain", "a gain"),
        Key("circle", "loss", "a loss"),
        Key("circle", "muted", "the interval holds zero: no difference is shown", hollow=True),
    )
    return Plot(subtitle, tuple(_panel(metric, rows, alone) for metric in SHORT_LIST), keys)


def _panel(metric: Metric, rows: Sequence[Variant], alone: Variant) -> Panel:
    gains = [(row, gain) for row in rows if (gain := row.measures[metric].gain) is not None]
    seeds = [_seeds(metric, row, alone) for row, _ in gains]
    bounds = [
        0.0,
        *(bound for _, gain in gains for bound in (gain.low, gain.high)),
        *(one for of in seeds for one in of),
    ]
    room = 0.08 * max(max(bounds) - min(bounds), 1.0)
    ends = min(bounds) - room, max(bounds) + room
    return Panel(
        title=f"{metric.title}, student alone {alone.measures[metric].estimate.mean:.1f} %",
        x=Axis("percentage points", *ends, tuple((tick, f"{tick:+g}" if tick else "0") for tick in even_ticks(*ends))),
        y=Axis("", -0.6, len(rows) - 0.4, tuple((float(i), brief(row.name)) for i, row in enumerate(rows))),
        rules=(Rule(0.0, upright=True),),
        paths=tuple(_tick(one, rows.index(row)) for (row, _), of in zip(gains, seeds, strict=True) for one in of),
        dots=tuple(_dot(metric, rows.index(row), row, gain) for row, gain in gains),
    )


def _seeds(metric: Metric, row: Variant, alone: Variant) -> list[float]:
    """Gain of each seed; none where one seed is all there is, and stands there as the gain."""
    ours, theirs = row.measures[metric].values, alone.measures[metric].values
    found = [value - theirs[seed] for seed, value in ours.items() if seed in theirs]
    return found if len(found) > 1 else []


def _tick(gain: float, at: int) -> Path:
    return Path(points=((gain, at - 0.32), (gain, at - 0.18)), tone="faint")


def _dot(metric: Metric, at: int, row: Variant, gain: MeanInterval) -> Dot:
    return Dot(
        x=Interval(gain.low, gain.mean, gain.high),
        y=Interval(at, at, at),
        tone=_TONES[gain.sign],
        hollow=not gain.sign,
        name=plus_minus(gain.mean, gain.half_width, "+"),
        told=f"{row.name} ({row.what}): {metric.title} {plus_minus(gain.mean, gain.half_width, '+')} points",
    )

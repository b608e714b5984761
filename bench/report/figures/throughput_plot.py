"""Queries per second against batch size, for the page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from bench.report.content.cases import Group
from bench.report.content.curves import Curve
from bench.report.content.pareto import Interval
from bench.report.figures.plot import Axis, Dot, Key, Panel, Path, Plot, axis
from bench.report.figures.style import brief
from bench.report.quantity import si


def throughput_plot(groups: Sequence[Group[Curve]], models: Sequence[str], subtitle: str) -> Plot:
    """One panel a dataset; a model has one colour in all."""
    tones = {model: f"series-{i % 10}" for i, model in enumerate(models)}
    keys = (Key("circle", "muted", "knee", hollow=True), Key("cross", "muted", "did not fit into memory"))
    return Plot(subtitle, tuple(_panel(group, tones) for group in groups), keys)


def _panel(group: Group[Curve], tones: dict[str, str]) -> Panel:
    batches = sorted({batch for curve in group.rows for batch in curve.batches})
    ends = batches[0] / 1.2, batches[-1] * 1.1
    rates = [rate for curve in group.rows for _, rate in curve.points]
    return Panel(
        title=f"{brief(group.dataset)} sizes",
        x=Axis("batch size", *ends, tuple((batch, f"{batch:.0f}") for batch in batches), log=True),
        y=axis("queries per second", rates, si, room=0.08),
        paths=tuple(_path(curve, tones[curve.label]) for curve in group.rows),
        dots=tuple(chain.from_iterable(_dots(curve, tones[curve.label]) for curve in group.rows)),
    )


def _path(curve: Curve, tone: str) -> Path:
    return Path(points=curve.points, tone=tone, name=brief(curve.label), subject=curve.subject)


def _dots(curve: Curve, tone: str) -> list[Dot]:
    measured = [
        Dot(
            x=_sure(batch),
            y=_sure(rate),
            tone=tone,
            ringed=batch == curve.knee,
            told=f"{curve.label}: {si(rate, '/s')} at batch {batch:.0f}{', the knee' if batch == curve.knee else ''}",
            subject=curve.subject,
        )
        for batch, rate in curve.points
    ]
    failed = [
        Dot(
            x=_sure(batch),
            y=_sure(curve.points[-1][1]),
            shape="cross",
            tone=tone,
            told=f"{curve.label}: batch {batch:.0f} did not fit into memory",
            subject=curve.subject,
        )
        for batch in curve.too_large
    ]
    return measured + failed


def _sure(value: float) -> Interval:
    return Interval(value, value, value)

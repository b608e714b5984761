"""Accuracy against the annotated share, for the page."""

from __future__ import annotations

from bench.report.content.few_labels import FewLabels, Share, Taught
from bench.report.content.pareto import Interval
from bench.report.figures.plot import Axis, Dot, Key, Panel, Path, Plot, Rule, even_ticks
from bench.report.figures.style import brief
from bench.report.quantity import plus_minus, si
from emtm.distillation.variants import ALONE
from emtm.metrics.metric import HEADLINE


def few_labels_plot(study: FewLabels, subtitle: str) -> Plot:
    """One panel; a way of training has a line and a dot a share."""
    tones = {name: f"series-{i % 10}" for i, name in enumerate(study.names)}
    shares = [share.share for share in study.shares]
    estimates = [row.accuracy[HEADLINE] for share in study.shares for row in share.rows]
    everything = [] if study.everything is None else [study.everything.accuracy[HEADLINE].mean]
    low = min(*(one.low for one in estimates), *everything, 100.0)
    high = max(*(one.high for one in estimates), *everything, 0.0)
    room = 0.08 * max(high - low, 1.0)
    ends = max(0.0, low - room), min(100.0, high + room)
    panel = Panel(
        title=study.title,
        x=Axis(
            "annotated share of the videos",
            *(shares[0] / 1.3, shares[-1] * 1.3),
            tuple((share, percent(share)) for share in shares),
            log=True,
        ),
        y=Axis(HEADLINE.title, *ends, tuple((tick, f"{tick:.0f} %") for tick in even_ticks(*ends))),
        rules=tuple(Rule(value, f"every moment annotated {value:.1f} %") for value in everything),
        paths=tuple(
            Path(
                points=tuple(
                    (share.share, row.accuracy[HEADLINE].mean)
                    for share in study.shares
                    if (row := share.row(name)) is not None
                ),
                tone=tone,
                name=brief(name),
            )
            for name, tone in tones.items()
        ),
        dots=tuple(_dot(study, share, row, tones[row.name]) for share in study.shares for row in share.rows),
    )
    return Plot(subtitle, (panel,), (Key("circle", "muted", "mean and 95 % interval over draws and seeds"),))


def percent(share: float) -> str:
    """0.25 -> `25 %`."""
    return f"{100 * share:g} %"


def _dot(study: FewLabels, share: Share, row: Taught, tone: str) -> Dot:
    found = row.accuracy[HEADLINE]
    gain = "" if row.gain is None else f", {plus_minus(row.gain.mean, row.gain.half_width, '+')} over the student alone"
    paid = "" if row.name == ALONE else f"; teachers and labels {si(share.teachers_s, 's')} a draw"
    student = "" if row.student_s is None else f", its training {si(row.student_s, 's')}"
    return Dot(
        x=Interval(share.share, share.share, share.share),
        y=Interval(found.low, found.mean, found.high),
        tone=tone,
        told=f"{row.name}, {percent(share.share)} annotated: {HEADLINE.title} "
        f"{plus_minus(found.mean, found.half_width)} %{gain}{paid}{student}",
    )

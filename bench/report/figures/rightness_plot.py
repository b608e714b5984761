"""What teachers bring against how right they are, for the page."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.content.pareto import Interval
from bench.report.content.rightness import Lesson
from bench.report.figures.plot import Axis, Dot, Key, Panel, Plot, Rule, even_ticks
from bench.report.figures.style import brief
from emtm.metrics.metric import HEADLINE


def rightness_plot(lessons: Sequence[Lesson], studies: Sequence[str], subtitle: str) -> Plot:
    """One panel; a study has one colour."""
    tones = {study: f"series-{i % 10}" for i, study in enumerate(studies)}
    panel = Panel(
        title=f"{HEADLINE.title} over the student alone",
        x=_axis("pseudo-moments right, points above the student alone", [one.ahead for one in lessons]),
        y=_axis("points", [end for one in lessons for end in (one.gain.low, one.gain.high)]),
        rules=(Rule(0.0), Rule(0.0, upright=True)),
        dots=tuple(_dot(one, tones[one.where]) for one in lessons),
    )
    keys = (
        Key("circle", "muted", "generated videos"),
        Key("square", "muted", "real features", hollow=True),
    )
    return Plot(subtitle, (panel,), keys)


def _axis(title: str, values: Sequence[float]) -> Axis:
    found = [0.0, *values]
    room = 0.1 * max(max(found) - min(found), 1.0)
    ends = min(found) - room, max(found) + room
    return Axis(title, *ends, tuple((tick, f"{tick:+g}" if tick else "0") for tick in even_ticks(*ends)))


def _dot(lesson: Lesson, tone: str) -> Dot:
    gain = lesson.gain
    return Dot(
        x=Interval(lesson.ahead, lesson.ahead, lesson.ahead),
        y=gain,
        shape="circle" if lesson.synthetic else "square",
        tone=tone,
        hollow=not lesson.synthetic,
        name=brief(lesson.name),
        told=f"{lesson.name}, {lesson.where}: {lesson.right:.1f} % of pseudo-moments right, student alone "
        f"{lesson.alone:.1f} %, gain {gain.value:+.1f} [{gain.low:+.1f}, {gain.high:+.1f}] points",
    )

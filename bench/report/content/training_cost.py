"""What a study spent on each point that its teachers brought: seconds of teachers, of labels and of the student."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.missing import Missing, or_missing
from bench.report.content.study import Study, Teacher, Variant
from emtm.distillation.variants import make_variant
from emtm.errors import UserError
from emtm.metrics.metric import HEADLINE
from emtm.metrics.paired import MeanInterval, paired_difference


@dataclass(frozen=True, slots=True)
class PerPoint:
    """Seconds a percentage point of the headline metric, and the interval that the gain's allows."""

    value: float
    low: float
    high: float
    """Infinite where the gain may be none."""


@dataclass(frozen=True, slots=True)
class Over:
    """A variant beside what does without teachers: points that it gains, and seconds that it takes beyond that."""

    other: Variant
    gain: MeanInterval | Missing
    extra_s: float | Missing
    per_point: PerPoint | Missing


@dataclass(frozen=True, slots=True)
class Bill:
    """All that a taught variant takes, each teacher in full."""

    variant: Variant
    teachers_s: float | Missing
    labels_s: float | Missing
    over_alone: Over | Missing
    over_control: Over | Missing


@dataclass(frozen=True, slots=True)
class Bills:
    """Of all variants of a study that have teachers."""

    rows: tuple[Bill, ...]
    control: Variant | None
    """The most accurate way of training the same without a teacher."""
    devices: tuple[str, ...]
    """What everything was trained on; empty where the study does not say."""


def bills(study: Study) -> Bills | None:
    """None where nothing has teachers."""
    taught, controls = list[tuple[Variant, list[Teacher]]](), list[Variant]()
    for row in study.rows:
        if row.kind == "variant":
            teachers = _teachers(study, row)
            if teachers:
                taught.append((row, teachers))
            elif teachers is not None:
                controls.append(row)
    if not taught:
        return None
    control = max(controls, key=lambda row: row.measures[HEADLINE].estimate.mean, default=None)
    named = [row.device for row, _ in taught] + [teacher.device for teacher in study.teachers]
    devices = tuple(sorted({name for name in named if name})) if all(named) else ()
    return Bills(tuple(_bill(study, row, teachers, control) for row, teachers in taught), control, devices)


def _teachers(study: Study, row: Variant) -> list[Teacher] | None:
    """Those that must be trained for a variant: all of them where the best is chosen; None where nobody knows."""
    try:
        needed = make_variant(row.name, [teacher.name for teacher in study.teachers], None).teachers
    except UserError:
        return None
    return [teacher for teacher in study.teachers if teacher.name in needed]


def _bill(study: Study, row: Variant, teachers: list[Teacher], control: Variant | None) -> Bill:
    training = _sum([teacher.training_s for teacher in teachers], "the summary does not hold the teachers' seconds")
    labels = _sum([teacher.labels_s for teacher in teachers], "the summary does not hold the seconds of their labels")
    spent = _all([training, labels, row.training_s])
    return Bill(
        row,
        training,
        labels,
        Missing("the study has no student alone")
        if study.alone is None
        else _over(row.measures[HEADLINE].gain, spent, study.alone),
        Missing("the study has no control without teachers")
        if control is None
        else _over(paired_difference(*(one.measures[HEADLINE].values for one in (row, control))), spent, control),
    )


def _over(found: MeanInterval | None, spent: float | Missing, other: Variant) -> Over:
    gain = or_missing(found, "no seed in common with it")
    extra = spent if isinstance(spent, Missing) else spent - other.training_s
    return Over(other, gain, extra, _per_point(gain, extra))


def _per_point(gain: MeanInterval | Missing, extra_s: float | Missing) -> PerPoint | Missing:
    if isinstance(gain, Missing):
        return gain
    if gain.mean <= 0:
        return Missing("nothing is gained")
    if isinstance(extra_s, Missing):
        return extra_s
    if extra_s <= 0:
        return Missing("it takes no longer than what it is compared with")
    high = extra_s / gain.low if gain.sign > 0 else math.inf
    return PerPoint(extra_s / gain.mean, extra_s / gain.high, high)


def _sum(seconds: list[float | None], reason: str) -> float | Missing:
    known = [one for one in seconds if one is not None]
    return sum(known) if len(known) == len(seconds) else Missing(reason)


def _all(parts: list[float | Missing]) -> float | Missing:
    lacking = next((part for part in parts if isinstance(part, Missing)), None)
    return lacking or sum(part for part in parts if not isinstance(part, Missing))

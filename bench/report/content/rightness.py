"""What teachers bring beside how often they are right: where their moments are worse than their pupil's, they cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.report.content.few_labels import FewLabels
from bench.report.content.pareto import Interval
from bench.report.content.study import Study, Variant
from emtm.distillation.variants import ALONE
from emtm.metrics.metric import HEADLINE


@dataclass(frozen=True, slots=True)
class Lesson:
    """One way of training with pseudo-moments, at one share of annotation."""

    name: str
    """Of the way, with the share where it is known."""
    where: str
    """Title of the study."""
    synthetic: bool
    right: float
    """Percent of the pseudo-moments that have an IoU of 1/2 with the truth."""
    alone: float
    """R1@0.5 of the student alone, in percent, on the test split."""
    gain: Interval
    """Over the student alone, in points of R1@0.5."""

    @property
    def ahead(self) -> float:
        """Points by which the pseudo-moments are right more often than the student alone."""
        return self.right - self.alone


def lessons(few: FewLabels | None, study: Study | None) -> list[Lesson]:
    """Of both kinds of study, in their order; those whose truth is not known are left out."""
    return [*(_of_shares(few) if few else ()), *(_of_study(study) if study else ())]


def _of_shares(few: FewLabels) -> Iterator[Lesson]:
    for share in few.shares:
        alone = share.row(ALONE)
        for row in share.rows:
            if alone is not None and row.pseudo_right is not None and row.gain is not None:
                gain = Interval(row.gain.low, row.gain.mean, row.gain.high)
                name = f"{row.name}, {100 * share.share:g} %"
                yield Lesson(
                    *(name, few.title, few.synthetic, row.pseudo_right, alone.accuracy[HEADLINE].mean), gain=gain
                )


def _of_study(study: Study) -> Iterator[Lesson]:
    for row in study.rows:
        gain = _gain(study, row)
        if study.alone is not None and row.pseudo_right is not None and gain is not None:
            alone = study.alone.measures[HEADLINE].estimate.mean
            yield Lesson(row.name, study.title, study.synthetic, row.pseudo_right, alone, gain)


def _gain(study: Study, row: Variant) -> Interval | None:
    """By folds its interval is over videos, otherwise over seeds."""
    if study.folds is not None:
        found = study.folds.rows[row.name][HEADLINE].over_alone
        return None if found is None else Interval(*_around(found.mean, found.ci95))
    gain = row.measures[HEADLINE].gain
    return None if gain is None else Interval(gain.low, gain.mean, gain.high)


def _around(mean: float, ends: tuple[float, float] | None) -> tuple[float, float, float]:
    low, high = ends or (mean, mean)
    return min(low, mean), mean, max(high, mean)

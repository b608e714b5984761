"""Training steps, and what they take over the step of the student alone."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bench.disturbance import disturbed
from bench.missing import Missing, known, of
from bench.record import CaseRecord, Interval
from bench.report.content.cases import Named, by_dataset, for_cost

STUDENT = "emtm-student"
"""What the training steps of the others are compared with: the student without any teacher."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """One time over another, with the widest ratio that both intervals allow."""

    value: float
    interval: Interval | Missing


@dataclass(frozen=True, slots=True)
class Step:
    """One model's training step."""

    label: str
    case: CaseRecord
    over_student: Ratio | Missing
    is_student: bool


@dataclass(frozen=True, slots=True)
class Steps:
    """Training steps at the sizes of one dataset, quickest first."""

    dataset: str
    rows: tuple[Step, ...]

    @property
    def compared(self) -> bool:
        """Is there a student, and another model to compare with it?"""
        return len({row.is_student for row in self.rows}) == 2


def step_s(case: CaseRecord) -> float | Missing:
    """Median seconds of a training step."""
    return of(case.training, lambda training: training.step_s)


def step_ci99_s(case: CaseRecord) -> Interval | Missing:
    """Its interval."""
    return of(case.training, lambda training: training.step_ci99_s)


def training_steps(cases: Iterable[CaseRecord]) -> tuple[Steps, ...]:
    """Training steps by dataset; those that were left out come last, after those of a noisy machine."""
    return tuple(Steps(group.dataset, _steps(group.rows)) for group in by_dataset(for_cost(cases, "train_step")))


def _steps(named: Iterable[Named]) -> tuple[Step, ...]:
    rows = sorted(named, key=lambda row: (disturbed(row.case), known(step_s(row.case)) or math.inf, row.case.case_id))
    alone = {_execution(row.case): row.case for row in rows if row.case.model.name == STUDENT}
    pairs = ((row, alone.get(_execution(row.case))) for row in rows)
    return tuple(Step(row.label, row.case, _over(row.case, student), row.case is student) for row, student in pairs)


def _execution(case: CaseRecord) -> tuple[object, ...]:
    execution = case.execution
    how = (execution.device, execution.dtype, execution.backend, known(execution.threads))
    return (*how, case.workload.batch_size)


def _over(case: CaseRecord, student: CaseRecord | None) -> Ratio | Missing:
    if student is None:
        return Missing("the student's step was not measured in this way")
    ours, theirs = step_s(case), step_s(student)
    if isinstance(ours, Missing):
        return ours
    if isinstance(theirs, Missing):
        return theirs
    return Ratio(ours / theirs, _widest(step_ci99_s(case), step_ci99_s(student)))


def _widest(ours: Interval | Missing, theirs: Interval | Missing) -> Interval | Missing:
    if isinstance(ours, Missing):
        return ours
    if isinstance(theirs, Missing):
        return theirs
    return (ours[0] / theirs[1], ours[1] / theirs[0])

"""Throughput against batch size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.disturbance import disturbed
from bench.missing import Missing, known, of
from bench.record import CaseRecord, ThroughputPoint
from bench.report.content.cases import Group, Named, by_dataset
from bench.report.content.subject import Subject, of_case


@dataclass(frozen=True, slots=True)
class Curve:
    """Queries a second of one model at growing batch sizes."""

    points: tuple[tuple[float, float], ...]
    """Batch size and rate, by batch size."""
    too_large: tuple[float, ...]
    """Batch sizes that did not fit into memory."""
    knee: float | None
    """None where no batch size is called so, because there is none or the machine was noisy."""
    subject: Subject

    @property
    def label(self) -> str:
        """Of the model."""
        return self.subject.label

    @property
    def batches(self) -> list[float]:
        """All that were tried, those that did not fit last."""
        return [*(batch for batch, _ in self.points), *self.too_large]


def curves(cases: Iterable[CaseRecord]) -> tuple[Group[Curve], ...]:
    """The sweeps with two points or more, by dataset."""
    groups = by_dataset(case for case in cases if len(_points(case)) > 1)
    return tuple(Group(group.dataset, tuple(map(_curve, group.rows))) for group in groups)


def at_knee(case: CaseRecord) -> tuple[float, int] | Missing:
    """Queries a second at the batch size from which more batching stops paying, and that size."""
    if isinstance(case.throughput, Missing):
        return case.throughput
    if disturbed(case):
        return Missing("no knee is called: the machine was noisy")
    knee = case.throughput.knee_batch
    found = next((point.value for point in case.throughput.curve if point.batch == knee), None)
    if found is None:
        return Missing("the curve has no point at its knee")
    return found if isinstance(found, Missing) else (found, knee)


def left_out(case: CaseRecord) -> str | None:
    """Why the larger batches were not run; None where they were."""
    skipped = [point.value for point in _sweep(case) if point.status == "skipped"]
    return next((value.reason for value in skipped if isinstance(value, Missing)), None)


def _sweep(case: CaseRecord) -> tuple[ThroughputPoint, ...]:
    return known(of(case.throughput, lambda throughput: throughput.curve)) or ()


def _points(case: CaseRecord) -> list[tuple[float, float]]:
    return sorted((point.batch, value) for point in _sweep(case) if (value := known(point.value)) is not None)


def _curve(row: Named) -> Curve:
    case = row.case
    return Curve(
        subject=of_case(row),
        points=tuple(_points(case)),
        too_large=tuple(point.batch for point in _sweep(case) if point.status == "oom"),
        knee=None if disturbed(case) else known(of(case.throughput, lambda throughput: throughput.knee_batch)),
    )

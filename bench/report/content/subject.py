"""What a row of a table and a mark in a figure are about, so that one choice can be made in all of them."""

from __future__ import annotations

from dataclasses import dataclass

from bench.disturbance import disturbed
from bench.record import CaseRecord
from bench.report.content.cases import Named
from bench.report.content.seeds import Trained
from emtm.metrics.metric import HEADLINE


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, run in one way at the sizes of one dataset."""

    label: str
    place: str
    """The dataset, marked where it is synthetic."""
    cases: tuple[CaseRecord, ...]
    """One a seed."""
    headline: float | None = None
    """Accuracy in percent, where it was trained."""

    @property
    def key(self) -> tuple[str, ...]:
        """Tells it from all others of a report."""
        return tuple(case.case_id for case in self.cases)

    @property
    def noisy(self) -> bool:
        """Was any of it timed on a disturbed machine?"""
        return any(map(disturbed, self.cases))


def of_case(named: Named) -> Subject:
    """Of one case that was measured for its cost."""
    return Subject(named.label, named.case.workload.dataset, (named.case,))


def of_model(label: str, model: Trained) -> Subject:
    """Of a trained model."""
    spread = model.accuracy.get(HEADLINE)
    return Subject(label, model.scope.title, model.cases, None if spread is None else spread.mean)

"""Exact multiply-adds of one model over those of others."""

from __future__ import annotations

from dataclasses import dataclass

from bench.claims.estimate import Estimate, Part, exact
from bench.claims.estimators.estimator import Estimator
from bench.claims.evidence import Evidence
from bench.missing import Missing
from bench.report.content.cases import macs


@dataclass(frozen=True, kw_only=True)
class MacsRatio(Estimator):
    """A part for each model of `against`."""

    model: str
    against: tuple[str, ...]
    dataset: str

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """Ratios below 1 where `model` is cheaper."""
        return tuple(Part(other, self._ratio(evidence, other)) for other in self.against)

    def _ratio(self, evidence: Evidence, other: str) -> Estimate | Missing:
        ours, theirs = (evidence.single(model, self.dataset, macs) for model in (self.model, other))
        if isinstance(ours, Missing):
            return ours
        if isinstance(theirs, Missing):
            return theirs
        return exact(ours[0] / theirs[0], "x", ours[1], theirs[1])

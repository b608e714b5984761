"""Accuracy of one trained model over that of others, paired by seed."""

from __future__ import annotations

from dataclasses import dataclass

from bench.claims.estimate import Estimate, Part, over_seeds
from bench.claims.estimators.metric import MetricEstimator, metric_named
from bench.claims.evidence import Evidence, Read
from bench.missing import Missing, known
from emtm.metrics.paired import paired_difference


@dataclass(frozen=True, kw_only=True)
class AccuracyGain(MetricEstimator):
    """A part for each model of `against`, in percent points."""

    model: str
    against: tuple[str, ...]

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """Differences above 0 where `model` is the more accurate."""
        return tuple(Part(other, self._gain(evidence, other)) for other in self.against)

    def _gain(self, evidence: Evidence, other: str) -> Estimate | Missing:
        ours, theirs = (self._by_seed(evidence, model) for model in (self.model, other))
        for model, found in ((self.model, ours), (other, theirs)):
            if not found:
                return Missing(f"no run file has {self.metric} of {model} trained on {self.dataset}")
        difference = paired_difference(
            {seed: value for seed, (value, _) in ours.items()}, {seed: value for seed, (value, _) in theirs.items()}
        )
        if difference is None:
            return Missing(f"{self.model} and {other} were trained with no seed in common")
        shared = sorted(ours.keys() & theirs.keys())
        return over_seeds(difference, "points", *(found[seed][1] for seed in shared for found in (ours, theirs)))

    def _by_seed(self, evidence: Evidence, model: str) -> dict[int, tuple[float, Read]]:
        """By the timestamp protocol; the first case of a seed."""
        metric, found = metric_named(self.metric), dict[int, tuple[float, Read]]()
        for name, case in evidence.cases():
            quality, seed = known(case.quality), known(case.model.seed)
            if quality is None or seed is None or (case.model.name, quality.dataset) != (model, self.dataset):
                continue
            value = metric.of(quality)
            if value is not None and known(quality.protocol) == "timestamp":
                found.setdefault(seed, (value, Read(name, case.case_id)))
        return found

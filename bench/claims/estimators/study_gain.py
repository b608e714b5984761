"""What one variant of a study gains over others, paired by seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.claims.estimate import Estimate, Part, over_seeds
from bench.claims.estimators.metric import MetricEstimator, metric_named
from bench.claims.evidence import Evidence, Read
from bench.missing import Missing
from bench.report.content.study import Study
from emtm.metrics.paired import paired_difference


@dataclass(frozen=True, kw_only=True)
class StudyGain(MetricEstimator):
    """A part for each variant of `over`, in percent points; of several studies, the one with the most seeds."""

    variant: str
    over: tuple[str, ...]

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """Differences above 0 where `variant` is the more accurate."""
        return tuple(Part(other, self._gain(evidence, other)) for other in self.over)

    def _gain(self, evidence: Evidence, other: str) -> Estimate | Missing:
        found = []
        for study in evidence.studies:
            ours, theirs = self._values(study, self.variant), self._values(study, other)
            difference = paired_difference(ours, theirs)
            if study.dataset == self.dataset and difference is not None:
                read = (Read(study.path, name) for name in (self.variant, other))
                found.append((difference, tuple(read)))
        if not found:
            return Missing(f"no study on {self.dataset} has both {self.variant} and {other} with a seed in common")
        difference, where = max(found, key=lambda pair: pair[0].n)
        return over_seeds(difference, "points", *where)

    def _values(self, study: Study, variant: str) -> Mapping[int, float]:
        measures = next((row.measures for row in study.rows if row.name == variant), {})
        measure = measures.get(metric_named(self.metric))
        return {} if measure is None else measure.values

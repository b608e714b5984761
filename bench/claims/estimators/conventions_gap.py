"""What evaluators alone move: one file of predictions scored by several sets of conventions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from bench.claims.estimate import Estimate, Part, exact
from bench.claims.estimators.metric import MetricEstimator, metric_named
from bench.claims.evidence import Evidence, Read
from bench.missing import Missing


@dataclass(frozen=True, kw_only=True)
class ConventionsGap(MetricEstimator):
    """Highest minus lowest, in percent points; a part for each file of predictions for `dataset`, known by its hash."""

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """Above 0 where two evaluations of the same predictions differ; `index` is another protocol, no convention."""
        metric = metric_named(self.metric)
        found: dict[str, list[tuple[float, Read]]] = defaultdict(list)
        for name, scores in evidence.scores:
            told = (scores.dataset, scores.protocol) == (self.dataset, "timestamp")
            if told and not isinstance(scores.predictions_sha256, Missing):
                value = metric.of(scores)
                if value is not None:
                    found[scores.predictions_sha256].append((value, Read(name, self.metric)))
        several = {key: scored for key, scored in found.items() if len(scored) > 1}
        if not several:
            return (Part(self.dataset, Missing(f"no predictions for {self.dataset} were scored twice")),)
        return tuple(Part(f"predictions {key[:8]}", _spread(scored)) for key, scored in several.items())


def _spread(scored: list[tuple[float, Read]]) -> Estimate:
    values = [value for value, _ in scored]
    return exact(max(values) - min(values), "points", *(read for _, read in scored))

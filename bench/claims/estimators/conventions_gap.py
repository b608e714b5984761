"""What evaluators alone move: one file of predictions scored by several sets of conventions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from bench.claims.estimate import Part, exact
from bench.claims.estimators.estimator import Estimator
from bench.claims.estimators.metric import metric_named
from bench.claims.evidence import Evidence, Read
from bench.missing import Missing


@dataclass(frozen=True, kw_only=True)
class ConventionsGap(Estimator):
    """Highest minus lowest, in percent points; a part for each file of predictions for `dataset`, known by its hash."""

    dataset: str
    metric: str

    def __post_init__(self) -> None:
        super().__post_init__()
        metric_named(self.metric)

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
        return tuple(
            Part(f"predictions {key[:8]}", exact(max(values) - min(values), "points", *(read for _, read in scored)))
            for key, scored in several.items()
            for values in [[value for value, _ in scored]]
        )

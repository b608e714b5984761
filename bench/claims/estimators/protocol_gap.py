"""What rounding the truth to a model's own grid hides: one set of weights scored by both protocols."""

from __future__ import annotations

from dataclasses import dataclass

from bench.claims.estimate import Part, over_seeds
from bench.claims.estimators.estimator import Estimator
from bench.claims.estimators.metric import metric_named
from bench.claims.evidence import Evidence, Read
from bench.missing import Missing, known
from emtm.metrics.paired import mean_interval


@dataclass(frozen=True, kw_only=True)
class ProtocolGap(Estimator):
    """Index minus timestamp, in percent points, over the seeds of `model` on `dataset`."""

    model: str
    dataset: str
    metric: str

    def __post_init__(self) -> None:
        super().__post_init__()
        metric_named(self.metric)

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """Above 0 where the index protocol flatters."""
        scored: dict[tuple[str, str], tuple[float, Read]] = {}
        for name, case in evidence.cases():
            quality, weights = known(case.quality), known(case.model.weights_sha256)
            if quality is None or weights is None or (case.model.name, quality.dataset) != (self.model, self.dataset):
                continue
            value, protocol = metric_named(self.metric).of(quality), known(quality.protocol)
            if value is not None and protocol is not None:
                scored.setdefault((weights, protocol), (value, Read(name, case.case_id)))
        both = sorted(
            {weights for weights, _ in scored if {(weights, "index"), (weights, "timestamp")} <= scored.keys()}
        )
        if not both:
            return (Part(self.model, Missing(f"no weights of {self.model} on {self.dataset} were scored both ways")),)
        pairs = [(scored[weights, "index"], scored[weights, "timestamp"]) for weights in both]
        gap = mean_interval([index - stamp for (index, _), (stamp, _) in pairs])
        return (Part(self.model, over_seeds(gap, "points", *(read for pair in pairs for _, read in pair))),)

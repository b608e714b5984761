"""What rounding the truth to a model's own grid hides: one set of weights scored by both protocols."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.claims.estimate import Part, over_seeds
from bench.claims.estimators.metric import MetricEstimator, metric_named
from bench.claims.evidence import Evidence, Read
from bench.claims.scores import Scores
from bench.missing import Missing, known
from bench.record import Quality
from emtm.metrics.paired import mean_interval


@dataclass(frozen=True, kw_only=True)
class ProtocolGap(MetricEstimator):
    """Index minus timestamp, in percent points, over all runs of `models` on `dataset`."""

    models: tuple[str, ...]

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """Above 0 where the index protocol flatters."""
        metric = metric_named(self.metric)
        scored: dict[tuple[str, str], tuple[float, Read]] = {}
        for weights, protocol, figures, read in self._evaluations(evidence):
            value = metric.of(figures)
            if value is not None:
                scored.setdefault((weights, protocol), (value, read))
        both = sorted(
            {weights for weights, _ in scored if {(weights, "index"), (weights, "timestamp")} <= scored.keys()}
        )
        if not both:
            lacking = f"no weights of {' or '.join(self.models)} on {self.dataset} were scored both ways"
            return (Part(self.dataset, Missing(lacking)),)
        pairs = [(scored[weights, "index"], scored[weights, "timestamp"]) for weights in both]
        gap = mean_interval([index - stamp for (index, _), (stamp, _) in pairs])
        reads = (read for pair in pairs for _, read in pair)
        return (Part(self.dataset, over_seeds(gap, "points", *reads, of="run")),)

    def _evaluations(self, evidence: Evidence) -> Iterator[tuple[str, str, Quality | Scores, Read]]:
        """Weights, protocol and accuracies of the models, from run files and from what `evaluate` printed."""
        for name, case in evidence.cases():
            quality, weights = known(case.quality), known(case.model.weights_sha256)
            protocol = None if quality is None else known(quality.protocol)
            if quality is None or weights is None or protocol is None:
                continue
            if case.model.name in self.models and quality.dataset == self.dataset:
                yield weights, protocol, quality, Read(name, case.case_id)
        for name, scores in evidence.scores:
            weights = known(scores.weights_sha256)
            if weights is not None and known(scores.model) in self.models and scores.dataset == self.dataset:
                yield weights, scores.protocol, scores, Read(name, self.metric)

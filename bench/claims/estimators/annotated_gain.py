"""What a way of training is worth where part of the videos is annotated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.claims.estimate import Estimate, Part, over_seeds
from bench.claims.estimators.metric import MetricEstimator, metric_named
from bench.claims.evidence import Evidence, Read
from bench.missing import Missing
from bench.report.content.few_labels import FewLabels, Share
from emtm.distillation.few_labels import MAX_SEEDS
from emtm.metrics.paired import mean_interval, paired_difference


@dataclass(frozen=True, kw_only=True)
class Annotated(MetricEstimator):
    """One variant at one annotated share; of several studies, the one with the most runs of it."""

    share: float
    variant: str

    def _studied(self, evidence: Evidence, beside: str = "") -> tuple[FewLabels, Share] | Missing:
        """Studies that have what it is held against go before those that do not."""
        found = [
            ((not beside or share.row(beside) is not None, row.runs), study, share)
            for study in evidence.few_labels
            for share in study.shares
            if study.dataset == self.dataset and share.share == self.share and (row := share.row(self.variant))
        ]
        if not found:
            return Missing(f"no study on {self.dataset} with {100 * self.share:g} % annotated has {self.variant}")
        _, study, share = max(found, key=lambda one: one[0])
        return study, share

    def _values(self, share: Share, variant: str) -> Mapping[int, float]:
        row = share.row(variant)
        return {} if row is None else row.values.get(metric_named(self.metric), {})


@dataclass(frozen=True, kw_only=True)
class AnnotatedGain(Annotated):
    """A part for each variant of `over`, in percent points, paired by draw and seed."""

    over: tuple[str, ...]

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """Differences above 0 where `variant` is the more accurate."""
        return tuple(Part(other, self._gain(evidence, other)) for other in self.over)

    def _gain(self, evidence: Evidence, other: str) -> Estimate | Missing:
        studied = self._studied(evidence, other)
        if isinstance(studied, Missing):
            return studied
        study, share = studied
        difference = paired_difference(self._values(share, self.variant), self._values(share, other))
        if difference is None:
            return Missing(f"{study.path} has no {other} beside {self.variant}")
        read = (Read(study.path, f"{share.share:g} {name}") for name in (self.variant, other))
        return over_seeds(difference, "points", *read, of="run")


@dataclass(frozen=True, kw_only=True)
class AnnotatedReach(Annotated):
    """Percent of what the student alone reaches with every moment, each draw paired with it by seed."""

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """100 where the moments that were spared are not missed."""
        return (Part(self.variant, self._reached(evidence)),)

    def _reached(self, evidence: Evidence) -> Estimate | Missing:
        studied = self._studied(evidence)
        if isinstance(studied, Missing):
            return studied
        study, share = studied
        everything = study.everything
        whole = {} if everything is None else everything.values.get(metric_named(self.metric), {})
        values = self._values(share, self.variant)
        ratios = [100 * value / whole[run % MAX_SEEDS] for run, value in values.items() if whole.get(run % MAX_SEEDS)]
        if everything is None or not ratios:
            return Missing(f"{study.path} has no student with every moment beside {self.variant}")
        read = (Read(study.path, f"{share.share:g} {self.variant}"), Read(study.path, everything.name))
        return over_seeds(mean_interval(ratios), "%", *read, of="run")

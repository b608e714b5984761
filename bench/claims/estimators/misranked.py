"""Pairs of models that another counter puts in the wrong order."""

from __future__ import annotations

from dataclasses import dataclass

from bench.claims.estimate import Part, exact
from bench.claims.estimators.estimator import Estimator
from bench.claims.evidence import Evidence, Read
from bench.missing import Missing
from bench.report.content.counts import counted, crosschecked


@dataclass(frozen=True, kw_only=True)
class Misranked(Estimator):
    """A part for each of `datasets`: how many pairs fvcore turns around at its sizes."""

    datasets: tuple[str, ...]

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """Counts above 0 where fvcore misranks."""
        return tuple(self._part(evidence, dataset) for dataset in self.datasets)

    def _part(self, evidence: Evidence, dataset: str) -> Part:
        for name, run in evidence.runs:
            for group in crosschecked(counted(run.cases)):
                if group.dataset == dataset and len(group.rows) > 1:
                    turned = ", ".join(f"{dearer}/{cheaper}" for dearer, cheaper in group.flips)
                    return Part(dataset, exact(len(group.flips), "", Read(name, turned or dataset)))
        return Part(dataset, Missing(f"no run file has several models at the sizes of {dataset}"))

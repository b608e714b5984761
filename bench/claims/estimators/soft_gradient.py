"""How strongly distillation pulls at the student: its gradient over that of the hard loss."""

from __future__ import annotations

from dataclasses import dataclass

from bench.claims.estimate import Part, exact
from bench.claims.estimators.estimator import Estimator
from bench.claims.evidence import Evidence, Read
from bench.missing import Missing


@dataclass(frozen=True, kw_only=True)
class SoftGradient(Estimator):
    """Of one variant of a study on `dataset`; the first study that has it."""

    variant: str
    dataset: str

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """A ratio near 0 where nothing is distilled."""
        for study in evidence.studies:
            for row in study.rows:
                if study.dataset == self.dataset and row.name == self.variant and row.gradient_ratio is not None:
                    return (Part(self.variant, exact(row.gradient_ratio, "x", Read(study.path, row.name))),)
        return (Part(self.variant, Missing(f"no study on {self.dataset} has the variant {self.variant}")),)

"""Do models keep their order from one dataset to another?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from bench.claims.estimate import Estimate, Part
from bench.claims.estimators.metric import MetricEstimator, metric_named
from bench.claims.evidence import Evidence, Read
from bench.missing import Missing
from bench.report.content.study import Study

FEWEST = 4
"""Models that an interval takes."""


@dataclass(frozen=True, kw_only=True)
class RankAgreement(MetricEstimator):
    """Spearman's correlation of accuracies on `dataset` and on `beside`, over the models that a study of each has.

    Of several studies, the two with the most models in common. A model's accuracy is its mean over seeds.
    """

    beside: str

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """1 where the order is the same, -1 where it is turned round."""
        return (Part(self.beside, self._found(evidence)),)

    def _found(self, evidence: Evidence) -> Estimate | Missing:
        ours, theirs = (
            [(study, self._accuracies(study)) for study in evidence.studies if study.dataset == dataset]
            for dataset in (self.dataset, self.beside)
        )
        shared = [(study, a, other, b, sorted({*a} & {*b})) for (study, a), (other, b) in product(ours, theirs)]
        study, a, other, b, names = max(shared, key=lambda pair: len(pair[4]), default=(None, {}, None, {}, []))
        if study is None or other is None or len(names) < FEWEST:
            where = f"studies on {self.dataset} and on {self.beside}"
            return Missing(f"{where} have {len(names)} models in common, and {FEWEST} are the fewest")
        try:
            value, low, high = spearman([a[name] for name in names], [b[name] for name in names])
        except ValueError:
            return Missing("in one of the two studies all models are equally accurate: there is no order")
        return Estimate(
            value=value,
            low=low,
            high=high,
            unit="",
            basis=f"95 % over {len(names)} models, as a sample of such models",
            read=(Read(study.path, ", ".join(names)), Read(other.path, ", ".join(names))),
        )

    def _accuracies(self, study: Study) -> Mapping[str, float]:
        metric = metric_named(self.metric)
        return {row.name: row.measures[metric].estimate.mean for row in study.rows if metric in row.measures}


def spearman(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float, float]:
    """Rank correlation and the bounds of its 95 % interval; ties share their mean rank.

    Fisher's z with the variance of Bonett and Wright (Psychometrika 65, 2000). It has no width at a perfect
    order, whose bounds are therefore those of one with two neighbours swapped. Raises ValueError below `FEWEST`
    pairs, and where all values of a side are equal.

    >>> [round(bound, 2) for bound in spearman([1, 2, 3, 4, 5], [1, 2, 3, 5, 4])]
    [0.9, -0.17, 1.0]
    """
    n = len(xs)
    if n < FEWEST or len({*xs}) == 1 or len({*ys}) == 1:
        raise ValueError("too few pairs, or nothing to rank")
    value = float(np.corrcoef(_ranks(xs), _ranks(ys))[0, 1])
    most = 1 - 12 / (n * (n * n - 1))
    z = math.atanh(min(max(value, -most), most))
    reach = NormalDist().inv_cdf(0.975) * math.sqrt((1 + min(abs(value), most) ** 2 / 2) / (n - 3))
    low, high = math.tanh(z - reach), math.tanh(z + reach)
    return value, min(low, value), max(high, value)


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    column = np.array(values)[:, None]
    ranks: NDArray[np.float64] = (column > column.T).sum(1) + (column == column.T).sum(1) / 2
    return ranks

"""Metrics by the name that tables and claims give them, and what estimators of one share."""

from __future__ import annotations

from dataclasses import dataclass

from bench.claims.estimators.estimator import Estimator
from emtm.errors import unknown
from emtm.metrics.metric import METRICS, Metric


def metric_named(title: str) -> Metric:
    """`R1@0.5` or `mIoU`; ValueError for another name."""
    found = {metric.title: metric for metric in METRICS}
    if title not in found:
        raise ValueError(unknown("metric", title, [*found]))
    return found[title]


@dataclass(frozen=True, kw_only=True)
class MetricEstimator(Estimator):
    """One that reads a metric of models on a dataset."""

    dataset: str
    metric: str

    def __post_init__(self) -> None:
        super().__post_init__()
        metric_named(self.metric)

"""Metrics by the name that tables and claims give them."""

from __future__ import annotations

from emtm.errors import unknown
from emtm.metrics.metric import METRICS, Metric


def metric_named(title: str) -> Metric:
    """`R1@0.5` or `mIoU`; ValueError for another name."""
    found = {metric.title: metric for metric in METRICS}
    if title not in found:
        raise ValueError(unknown("metric", title, [*found]))
    return found[title]

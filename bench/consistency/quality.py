"""Accuracies that follow from hits and from the scores of single queries."""

from __future__ import annotations

import numpy as np

from bench.consistency.follows import Complaints, contains, follows
from bench.missing import known
from bench.record import CaseRecord, Quality, QueryScores
from emtm.metrics.conventions import compared_by
from emtm.metrics.means import Means
from emtm.metrics.metric import Metric


def accuracies(case: CaseRecord) -> Complaints:
    """Of a case's accuracies."""
    if quality := known(case.quality):
        yield from _quality(quality, case)


def _quality(quality: Quality, case: CaseRecord) -> Complaints:
    if known(quality.queries) not in (None, quality.n):
        yield f"quality.queries is {known(quality.queries)}, and quality.n is {quality.n}"
    if quality.source == "measured" and case.model.weights_kind == "random":
        yield "quality is measured, and the weights are random"
    by_threshold = [value for _, value in sorted(quality.r1.items(), key=lambda item: float(item[0]))]
    if by_threshold != sorted(by_threshold, reverse=True):
        yield "quality.r1 grows with the threshold"
    for threshold, value in quality.r1.items():
        hits = value * quality.n / 100
        if quality.source == "measured" and abs(hits - round(hits)) > 1e-6:
            yield f"quality.r1.{threshold} is no whole number of {quality.n} queries"
        flat = quality.kept.extra.get(Metric("r1", float(threshold)).column, value)
        if flat != value:
            yield f"quality.r1.{threshold} is {value}, and once more {flat}"
    per_query = known(quality.per_query)
    if per_query is not None:
        yield from _per_query(per_query, quality)
    ci95 = known(quality.ci95)
    if ci95 is not None:
        yield from contains("quality.ci95.miou", ci95.miou, quality.miou)
        for threshold, within in ci95.r1.items():
            yield from contains(f"quality.ci95.r1.{threshold}", within, quality.r1.get(threshold, within[0]))


def _per_query(scores: QueryScores, quality: Quality) -> Complaints:
    if {len(scores.queries), len(scores.videos), len(scores.iou)} != {quality.n}:
        yield f"quality.per_query does not hold {quality.n} queries"
        return
    again = Means.of(np.array(scores.iou), compared_by(known(quality.comparison)))
    yield from follows("quality.miou", quality.miou, again.miou)
    for threshold, value in quality.r1.items():
        yield from follows(f"quality.r1.{threshold}", value, again.r1.get(threshold, value))

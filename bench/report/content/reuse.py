"""What a query costs where several share a video, which is encoded once: exact in multiply-adds, in time as measured.

Where a run timed no such passes, times follow from those of the stages, and are called estimates.
"""

from __future__ import annotations

from collections.abc import Iterable

from bench.missing import Missing, known, of
from bench.record import CaseRecord
from bench.report.content.cases import Group, Named
from bench.report.content.counts import query_independent_macs
from bench.report.content.numbered import Each, Numbered
from bench.report.content.query_cost import divisible_latency_s, divisible_macs
from bench.report.content.subject import of_case
from bench.typical import latency_ci99_s, latency_s

QUERIES = (1, 10, 100, 1000)
"""Queries a video."""


def shared_macs(groups: Iterable[Group[Named]]) -> tuple[Group[Numbered], ...]:
    """Multiply-adds a query."""
    return tuple(
        Group(group.dataset, tuple(Numbered(of_case(row), _macs(row.case)) for row in group.rows)) for group in groups
    )


def shared_seconds(groups: Iterable[Group[Named]]) -> tuple[Group[Numbered], ...]:
    """Seconds a query; without datasets where no model's are known of several queries a video."""
    found = [(group.dataset, [Numbered(of_case(row), _seconds(row.case)) for row in group.rows]) for group in groups]
    return tuple(Group(dataset, tuple(rows)) for dataset, rows in found if any(len(row.known()) > 1 for row in rows))


def splits(case: CaseRecord) -> bool | Missing:
    """Is a part of a query's work done once a video?"""
    return of(query_independent_macs(case), lambda macs: macs > 0)


def _macs(case: CaseRecord) -> dict[int, Each | Missing]:
    cost = divisible_macs(case)
    if isinstance(cost, Missing):
        return dict.fromkeys(QUERIES, cost)
    return {n: Each(cost.each(n).value, Missing("exact"), measured=True) for n in QUERIES}


def _seconds(case: CaseRecord) -> dict[int, Each | Missing]:
    timed = known(of(case.reuse, lambda reuse: reuse.curve)) or ()
    passes = {
        point.queries: Each(value, point.ci99, measured=True)
        for point in timed
        if (value := known(point.value)) is not None
    }
    # One query is the case's latency, which other tables show; its passes are a check of the others.
    alone = of(latency_s(case), lambda seconds: Each(seconds, latency_ci99_s(case), measured=True))
    sizes = sorted({*QUERIES, *passes} - {1})
    return {1: alone, **{n: passes[n] if n in passes else _estimate(case, n) for n in sizes}}


def _estimate(case: CaseRecord, queries: int) -> Each | Missing:
    cost = divisible_latency_s(case)
    if isinstance(cost, Missing):
        return cost
    if cost.once is None:
        return Missing("how much of it is done once a video is not known")
    return Each(cost.each(queries).value, Missing("estimated"), measured=False)

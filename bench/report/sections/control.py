"""The session's own control: one network measured as two cases, which should come out alike and never quite do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from bench.missing import Missing
from bench.record import CaseRecord
from bench.report.content.cases import Named
from bench.report.content.content import Content
from bench.report.content.counts import network
from bench.report.sections.cells import Cell, Table, empty, text, timed
from bench.report.sections.section import Section
from bench.typical import latency_ci99_s, latency_s, paired_ratio

_CAPTION = (
    "Each row is one network at inference, to the parameter and the multiply-add, measured twice under two names. Two "
    "models that are less apart than this, or than the ends of its interval, are not told apart. The ratio is of the "
    "processes that timed both, in units of the reference product beside each, and its interval must hold 1. Where a "
    "case was timed by one process alone, the intervals know nothing of what another would have shown."
)


def section(content: Content) -> Section:
    """A table of the twins; none in a report without any."""
    rows = tuple(row for group in content.costs for row in _rows(group.dataset, group.rows))
    headers = (
        "Sizes of",
        "One name",
        "Latency p50 [99 % CI]",
        "The other",
        "Latency p50 [99 % CI]",
        "Apart",
        "Ratio [99 % CI]",
    )
    table = Table("One network measured as two cases", _CAPTION, headers, rows)
    return Section(key="control", title="What this session tells apart", tables=(table,) if rows else ())


def _rows(dataset: str, named: tuple[Named, ...]) -> Iterator[tuple[Cell, ...]]:
    for one, other in combinations(named, 2):
        times = [latency_s(row.case) for row in (one, other)]
        first, second = times
        if not _twins(one.case, other.case) or isinstance(first, Missing) or isinstance(second, Missing):
            continue
        apart = 100 * (max(first, second) / min(first, second) - 1)
        cells = (cell for row in (one, other) for cell in (text(row.label), _latency(row.case)))
        yield (text(dataset), *cells, Cell(f"{apart:.1f} %", apart), _ratio(one.case, other.case))


def _twins(one: CaseRecord, other: CaseRecord) -> bool:
    """Students that are one network, run in one way."""
    ways = [(case.execution.device, case.execution.dtype, case.execution.backend) for case in (one, other)]
    return (
        one.model.role == other.model.role == "student"
        and one.model.name != other.model.name
        and ways[0] == ways[1]
        and network(one) == network(other) is not None
    )


def _latency(case: CaseRecord) -> Cell:
    return timed(latency_s(case), latency_ci99_s(case))


def _ratio(one: CaseRecord, other: CaseRecord) -> Cell:
    if isinstance(one.repeats, Missing) or isinstance(other.repeats, Missing):
        return empty("each was timed by one process")
    found = paired_ratio(one.repeats, other.repeats)
    if found is None:
        return empty("fewer than two processes timed both")
    ratio, (low, high) = found
    holds = None if low <= 1 <= high else "the interval does not hold 1: this session tells less than it claims"
    return Cell(f"{ratio:.3f} [{low:.3f}, {high:.3f}]", ratio, holds)

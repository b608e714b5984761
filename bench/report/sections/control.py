"""The session's own control: one network measured as two cases, which should come out alike and never quite do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from bench.missing import Missing, of
from bench.record import CaseRecord
from bench.report.content.cases import Named
from bench.report.content.content import Content
from bench.report.content.counts import network
from bench.report.sections.cells import Cell, Table, text, timed
from bench.report.sections.section import Section

_CAPTION = (
    "Each row is one network at inference, to the parameter and the multiply-add, measured twice under two names. Its "
    "intervals speak of one process and one hour, and the difference is what a session adds to them: two models that "
    "are less apart than this are not told apart."
)


def section(content: Content) -> Section:
    """A table of the twins; none in a report without any."""
    rows = tuple(row for group in content.costs for row in _rows(group.dataset, group.rows))
    headers = ("Sizes of", "One name", "Latency p50 [99 % CI]", "The other", "Latency p50 [99 % CI]", "Apart")
    table = Table("One network measured as two cases", _CAPTION, headers, rows)
    return Section(key="control", title="What this session tells apart", tables=(table,) if rows else ())


def _rows(dataset: str, named: tuple[Named, ...]) -> Iterator[tuple[Cell, ...]]:
    for one, other in combinations(named, 2):
        times = [of(row.case.latency, lambda latency: latency.median) for row in (one, other)]
        first, second = times
        if not _twins(one.case, other.case) or isinstance(first, Missing) or isinstance(second, Missing):
            continue
        apart = 100 * (max(first, second) / min(first, second) - 1)
        cells = (cell for row in (one, other) for cell in (text(row.label), _latency(row.case)))
        yield (text(dataset), *cells, Cell(f"{apart:.1f} %", apart))


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
    return timed(
        of(case.latency, lambda latency: latency.median),
        of(case.latency, lambda latency: latency.median_ci99),
    )

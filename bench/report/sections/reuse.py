"""What a query costs where several share a video, which is encoded once."""

from __future__ import annotations

from bench.missing import Missing, known, of
from bench.record import CaseRecord
from bench.report.content.cases import Group, Named, macs
from bench.report.content.content import Content
from bench.report.content.counts import query_independent_macs
from bench.report.content.numbered import Each, Numbered
from bench.report.content.reuse import QUERIES, splits
from bench.report.content.subject import Subject
from bench.report.figures.reuse import reuse_figures
from bench.report.quantity import si
from bench.report.sections.cells import Cell, Table, about, empty, measured, timed
from bench.report.sections.section import Section

_HEADERS = tuple("1 query" if queries == 1 else f"{queries:,} queries" for queries in QUERIES)


def section(content: Content) -> Section:
    """Multiply-adds and time of a query, by the number of queries that share its video."""
    tables = (*macs_tables(content), *time_tables(content))
    return Section(
        key="queries-per-video",
        title="Cost against queries per video",
        figures=tuple(reuse_figures(content.shared_macs, content.shared_seconds)),
        tables=tables,
        protocol=(_PROTOCOL,) if tables else (),
    )


_PROTOCOL = (
    "Where N queries share a video it is encoded once: a query costs (the encoding + N × the rest) / N. MACs follow "
    "from the count. Times are medians of passes that encode one video and ground N queries in it one after the other; "
    "where a run made no such passes they follow from the times of the stages, and say so."
)


def macs_tables(content: Content) -> list[Table]:
    """One a dataset, of the models of which it is known what is done once a video."""
    return [_macs_table(group, shared) for group, shared in zip(content.cached, content.shared_macs, strict=True)]


def time_tables(content: Content) -> list[Table]:
    """One a dataset."""
    return [_time_table(group) for group in content.shared_seconds]


def _macs_table(group: Group[Named], shared: Group[Numbered]) -> Table:
    return Table(
        title=f"MACs of a query against queries per video at the sizes of {group.dataset}",
        caption="Encoding a video does not depend on the query, so it is done once for all queries of the video.",
        headers=("Model", "Once a video", "Share", "Each further query", *_HEADERS),
        rows=tuple(
            (_name(costs.subject, row.case), *_once(row.case), *(_exact(costs.each[queries]) for queries in QUERIES))
            for row, costs in zip(group.rows, shared.rows, strict=True)
        ),
    )


def _name(subject: Subject, case: CaseRecord) -> Cell:
    """The model's name; one that cannot tell video from query says so."""
    if known(splits(case)) is not False:
        return about(subject)
    return about(subject, "nothing of it is done for the video alone, so that every query costs what the first does")


def _once(case: CaseRecord) -> tuple[Cell, Cell, Cell]:
    total, once = known(macs(case)) or 0, known(query_independent_macs(case)) or 0
    share = 100 * once / total if total else 0.0
    rest = float(total - once)
    return measured(query_independent_macs(case), si), Cell(f"{share:.3g} %", share), Cell(si(rest), rest)


def _exact(each: Each | Missing) -> Cell:
    return measured(of(each, lambda one: one.value), si)


def _time_table(group: Group[Numbered]) -> Table:
    return Table(
        title=f"Time of a query against queries per video at the sizes of {group.dataset}",
        caption="One query after the other, on the threads of the table above; the video's encoding is shared out.",
        headers=("Model", *_HEADERS),
        rows=tuple((about(row.subject), *(_seconds(row.each[queries]) for queries in QUERIES)) for row in group.rows),
        timed=frozenset(_HEADERS),
    )


def _seconds(each: Each | Missing) -> Cell:
    if isinstance(each, Missing):
        return empty(each.reason)
    if not each.measured:
        return Cell(si(each.value, "s"), each.value, _ESTIMATED)
    return timed(each.value, each.interval)


_ESTIMATED = "not measured: it follows from the times of the stages"

"""What a first answer takes in a process that has just begun."""

from __future__ import annotations

from bench.missing import Missing, known_of, of
from bench.record import CaseRecord
from bench.report.content.cases import Group, Named
from bench.report.content.content import Content
from bench.report.content.subject import of_case
from bench.report.quantity import si
from bench.report.sections.cells import Cell, Table, about, empty, measured
from bench.report.sections.section import Section

_TITLES = {
    "start": "Interpreter",
    "import": "Import",
    "build": "Build",
    "load": "Load weights",
    "first_call": "First query",
}
_NOISY = "the machine was noisy meanwhile: it may be too long"


def section(content: Content) -> Section:
    """A table a dataset; none where no model was started anew."""
    return Section(
        key="cold-start",
        title="The first answer",
        tables=tuple(_table(group) for group in content.costs if _starts(group.rows)),
    )


def _starts(rows: tuple[Named, ...]) -> list[int]:
    return known_of(of(row.case.cold_start, lambda block: block.n) for row in rows)


def _table(group: Group[Named]) -> Table:
    return Table(
        title=f"The first answer at the sizes of {group.dataset}",
        caption=f"Medians of {max(_starts(group.rows))} fresh processes that each began, grounded one "
        "query and ended. Import is of torch and the model's module; files are in the system's cache. The medians of "
        "the steps need not add up to that of the whole.",
        headers=("Model", *_TITLES.values(), "Whole"),
        rows=tuple(map(_row, group.rows)),
    )


def _row(row: Named) -> tuple[Cell, ...]:
    case = row.case
    return (about(of_case(row)), *(_step(case, step) for step in _TITLES), _whole(case))


def _step(case: CaseRecord, step: str) -> Cell:
    steps = of(case.cold_start, lambda block: block.steps)
    if isinstance(steps, Missing):
        return empty(steps.reason)
    return measured(steps.get(step, Missing("the start has no such step")), _seconds)


def _whole(case: CaseRecord) -> Cell:
    block = case.cold_start
    if isinstance(block, Missing):
        return empty(block.reason)
    noisy = not isinstance(block.noise, Missing) and block.noise.verdict != "quiet"
    return Cell(_seconds(block.total), block.total, _NOISY if noisy else None)


def _seconds(value: float) -> str:
    return si(value, "s")

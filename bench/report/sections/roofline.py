"""What binds a query: its arithmetic, the bytes that it moves, or the operators that it dispatches."""

from __future__ import annotations

from bench.missing import Missing
from bench.record import Roof, Roofline
from bench.report.content.cases import Group, Named
from bench.report.content.content import Content
from bench.report.content.subject import of_case
from bench.report.quantity import share, si
from bench.report.sections.cells import Cell, Table, about
from bench.report.sections.section import Section

_TIMED = ("Bound by", "At the roof", "Arithmetic", "Bytes", "Dispatch", "Measured")


def section(content: Content) -> Section:
    """A table of models and one of their stages for each dataset."""
    groups = [found for group in content.costs if (found := _known(group))]
    tables = tuple(table for dataset, rows in groups for table in (_models(dataset, rows), _stages(dataset, rows)))
    return Section(key="roofline", title="What binds a query", tables=tables, protocol=(_PROTOCOL,) if tables else ())


_PROTOCOL = (
    "Arithmetic is MACs over the rate of the best of two matrix products; bytes are what operators read and write, "
    "each tensor once, over the rate of an addition in a core's cache or out of it; dispatch is the operators times "
    "what one on a single element takes. The rates are the best of samples in turn with the calls. The longest "
    "of the three binds; its share of the measured time says how near to the roof the model runs."
)

_Rows = list[tuple[Named, Roofline]]


def _known(group: Group[Named]) -> tuple[str, _Rows] | None:
    rows = [(row, row.case.roofline) for row in group.rows if not isinstance(row.case.roofline, Missing)]
    return (group.dataset, rows) if rows else None


def _models(dataset: str, rows: _Rows) -> Table:
    return Table(
        title=f"What binds a query at the sizes of {dataset}",
        caption=f"The machine multiplies at {_span(rows, 'macs_per_s', 'MAC/s')}, moves "
        f"{_span(rows, 'cached_bytes_per_s', 'B/s')} in its caches and {_span(rows, 'streamed_bytes_per_s', 'B/s')} "
        f"out of them, and takes {_span(rows, 'operator_s', 's')} for an operator.",
        headers=("Model", *_TIMED, "Operators", "MACs", "Moved"),
        rows=tuple((about(of_case(row)), *_cells(found.whole)) for row, found in rows),
        timed=frozenset(_TIMED),
    )


def _stages(dataset: str, rows: _Rows) -> Table:
    return Table(
        title=f"What binds the stages at the sizes of {dataset}",
        caption="Stages of a hundredth of the query and more; the hooks between them cost a little.",
        headers=("Model", "Stage", *_TIMED, "Operators", "MACs", "Moved"),
        rows=tuple(
            (about(of_case(row)), Cell(name), *_cells(stage))
            for row, found in rows
            for name, stage in found.by_stage.items()
        ),
        timed=frozenset(_TIMED),
    )


def _cells(roof: Roof) -> tuple[Cell, ...]:
    return (
        Cell(roof.bound),
        Cell(share(100 * roof.share), 100 * roof.share),
        *(Cell(si(value, "s"), value) for value in (roof.compute_s, roof.memory_s, roof.dispatch_s, roof.measured_s)),
        Cell(si(roof.operators), roof.operators),
        Cell(si(roof.macs), roof.macs),
        Cell(si(roof.moved_bytes, "B"), roof.moved_bytes),
    )


def _span(rows: _Rows, name: str, unit: str) -> str:
    """From the least to the most of a rate, which each model's measurement has its own samples of."""
    found = sorted(getattr(roofline, name) for _, roofline in rows)
    low, high = si(found[0], unit), si(found[-1], unit)
    return low if low == high else f"{low} to {high}"

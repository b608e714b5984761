"""What one query costs: parameters, compute by two counters, latency, throughput, memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.missing import Missing, known, known_of, of
from bench.record import CaseRecord
from bench.report.content.cases import Group, Named, macs
from bench.report.content.content import Content
from bench.report.content.counts import fvcore_coverage, fvcore_macs, network
from bench.report.content.curves import at_knee, left_out
from bench.report.content.subject import of_case
from bench.report.figures.throughput import throughput_figures
from bench.report.quantity import byte_size, digits, plural, share, si
from bench.report.sections.cells import Cell, Table, about, empty, measured, timed
from bench.report.sections.section import Section
from bench.typical import latency_ci99_s, latency_s

COST_HEADERS = (
    "Model",
    "Clips",
    "Params",
    "Trainable",
    "MACs",
    "FLOPs",
    "fvcore MACs (coverage)",
    "Latency p50 [99 % CI]",
    "p90",
    "× GEMM floor",
    "Throughput at knee",
    "Peak memory",
)
TIMED = frozenset({"Latency p50 [99 % CI]", "p90", "× GEMM floor", "Throughput at knee", "Energy per query"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the cost table that is there only where a machine can measure it."""

    title: str
    value: Callable[[CaseRecord], float | Missing]
    show: Callable[[float], str]


_OPTIONAL = (
    Column(
        "Peak GPU memory",
        lambda case: of(case.memory, lambda memory: memory.device_peak_allocated_bytes),
        byte_size,
    ),
    Column(
        "Energy per query",
        lambda case: of(case.energy, lambda energy: energy.joules_per_query),
        lambda value: si(value, "J"),
    ),
)


def section(content: Content) -> Section:
    """Single queries, and what batching them buys."""
    return Section(
        key="cost",
        title="Cost of one query at the sizes of the papers",
        figures=tuple(throughput_figures(content.curves)),
        tables=tuple(cost_tables(content)),
        headline=True,
    )


def cost_tables(content: Content) -> list[Table]:
    """One table a dataset: parameters, compute by two counters, latency, throughput, memory."""
    return [_cost_table(group) for group in content.costs]


def _cost_table(group: Group[Named]) -> Table:
    cases = [row.case for row in group.rows]
    optional = [column for column in _OPTIONAL if known_of(map(column.value, cases))]
    threads = known_of(of(case.throughput, lambda throughput: throughput.num_threads) for case in cases)
    sweep = f" Throughput with {plural(max(threads), 'thread')}." if threads else ""
    return Table(
        title=f"Cost at the sizes of {group.dataset}",
        caption=_workload(cases) + sweep,
        headers=(*COST_HEADERS, *(column.title for column in optional)),
        rows=tuple(
            (*_cost_row(row, group.rows), *(measured(column.value(row.case), column.show) for column in optional))
            for row in group.rows
        ),
        timed=TIMED,
    )


def _cost_row(row: Named, among: Sequence[Named]) -> tuple[Cell, ...]:
    case = row.case
    return (
        _name(row, among),
        measured(case.workload.num_clips, si),
        measured(of(case.params, lambda params: params.total), si),
        measured(of(case.params, lambda params: params.trainable), si),
        measured(macs(case), si),
        measured(of(case.compute, lambda compute: compute.flops), si),
        _fvcore(case),
        timed(latency_s(case), latency_ci99_s(case)),
        _p90(case),
        measured(of(case.reference, lambda reference: reference.ratio), digits),
        _throughput(case),
        measured(of(case.memory, lambda memory: memory.tensor_peak_bytes), byte_size),
    )


def _name(row: Named, among: Sequence[Named]) -> Cell:
    """The model's name; students that are one network at inference say so."""
    twins = [
        other.label
        for other in among
        if row.case.model.role == other.case.model.role == "student"
        and other.case.model.name != row.case.model.name
        and network(row.case) == network(other.case) is not None
    ]
    names = " and ".join(sorted([row.label, *twins]))
    note = f"{names} are one network at inference, to the parameter and the multiply-add; they are trained differently"
    return about(of_case(row), note if twins else None)


def _p90(case: CaseRecord) -> Cell:
    cell = measured(of(case.latency, lambda latency: latency.p90), lambda value: si(value, "s"))
    return cell if cell.note is None or isinstance(case.latency, Missing) else empty(f"no 90th percentile: {cell.note}")


def _fvcore(case: CaseRecord) -> Cell:
    seen, counted = measured(fvcore_coverage(case), share), measured(fvcore_macs(case), si)
    return seen if seen.sort is None else Cell(f"{counted.text} ({seen.text})", counted.sort)


def _throughput(case: CaseRecord) -> Cell:
    """Queries per second at the batch size from which more batching stops paying."""
    found = at_knee(case)
    if isinstance(found, Missing):
        return empty(found.reason)
    rate, batch = found
    why = left_out(case)
    note = None if why is None else f"larger batches were left out: {why}"
    return Cell(f"{si(rate, '/s')} at batch {batch:.0f}", rate, note)


def _workload(cases: Sequence[CaseRecord]) -> str:
    """What was run, where all cases agree on it."""
    traits: tuple[Callable[[CaseRecord], str | Missing], ...] = (
        lambda case: of(case.workload.num_words, lambda words: f"{words} words"),
        lambda case: f"batch {case.workload.batch_size}",
        lambda case: case.execution.device,
        lambda case: case.execution.dtype,
        lambda case: case.execution.backend,
        lambda case: f"{case.model.weights_kind} weights",
        lambda case: of(case.execution.threads, lambda threads: plural(threads, "thread")),
    )
    found = [{known(trait(case)) for case in cases} for trait in traits]
    agreed = [values.pop() for values in found if len(values) == 1]
    return ", ".join(part for part in agreed if part is not None) + "."

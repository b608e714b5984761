"""The two main tables: what every model costs, and what the trained ones achieve for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.missing import ABSENT, Missing, known, known_of, of
from bench.record import CaseRecord
from bench.report.cells import Cell, Table, empty, measured, text, timed
from bench.report.content.cases import Group, Named, macs
from bench.report.content.content import Content
from bench.report.content.counts import fvcore_coverage, fvcore_macs
from bench.report.content.curves import at_knee, left_out
from bench.report.content.seeds import Spread, Trained
from bench.report.content.standings import Contest, Entry
from bench.report.quantity import byte_size, digits, plural, points, si
from emtm.metrics.metric import HEADLINE, METRICS, Metric

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
        timed(
            of(case.latency, lambda latency: latency.median),
            of(case.latency, lambda latency: latency.median_ci99),
        ),
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
        and _network(row.case) == _network(other.case) is not None
    ]
    names = " and ".join(sorted([row.label, *twins]))
    note = f"{names} are one network at inference, to the parameter and the multiply-add; they are trained differently"
    return Cell(row.label, row.label, note if twins else None)


def _network(case: CaseRecord) -> tuple[int, ...] | None:
    """What two networks that are one agree in; None where it is not known."""
    if isinstance(case.params, Missing) or isinstance(case.compute, Missing):
        return None
    found = (
        case.params.total,
        case.params.trainable,
        case.compute.macs,
        case.compute.flops_elementwise,
        case.workload.num_clips,
    )
    numbers = known_of(found)
    return tuple(numbers) if len(numbers) == len(found) else None


def _p90(case: CaseRecord) -> Cell:
    cell = measured(of(case.latency, lambda latency: latency.p90), lambda value: si(value, "s"))
    return cell if cell.note is None or isinstance(case.latency, Missing) else empty(f"no 90th percentile: {cell.note}")


def _fvcore(case: CaseRecord) -> Cell:
    share, counted = fvcore_share(case), measured(fvcore_macs(case), si)
    return share if share.sort is None else Cell(f"{counted.text} ({share.text})", counted.sort)


def fvcore_share(case: CaseRecord) -> Cell:
    """The part of the exact MACs that fvcore sees."""
    return measured(fvcore_coverage(case), lambda share: f"{share:.0f} %")


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


def accuracy_tables(content: Content) -> list[Table]:
    """One table a dataset and protocol: accuracy of the trained runs, their cost, and the floors."""
    return [_accuracy_table(contest) for contest in content.contests]


def _accuracy_table(contest: Contest) -> Table:
    best = max((entry.model for entry in contest.entries), key=lambda model: len(known(model.floors) or ()))
    return Table(
        title=f"Accuracy and cost on {contest.title}",
        caption=f"Split {contest.split} of {best.queries} queries, {contest.protocol} protocol. "
        "A mean over seeds, then (lowest–highest seed); "
        "the interval is the envelope of the seeds' 95 % intervals over queries; "
        f"the gain is in percentage points of {HEADLINE.title} over the best floor."
        + (f" Data: {'; '.join(best.notes)}." if best.notes else ""),
        headers=(
            *("Model", "Seeds", *(f"{metric.title} (%)" for metric in METRICS), f"{HEADLINE.title} 95 % CI"),
            *("Gain over floor", "Trainable", "MACs", "Latency p50 [99 % CI]", "Peak memory"),
        ),
        rows=(*map(_accuracy_row, contest.entries), *_floor_rows(best)),
        rule_before=len(contest.entries),
    )


def _accuracy_row(entry: Entry) -> tuple[Cell, ...]:
    model = entry.model
    return (
        text(entry.label),
        Cell(str(model.seeds), float(model.seeds)),
        *(_mean(model, metric) for metric in METRICS),
        _bounds(model.accuracy.get(HEADLINE)),
        _gain(model, HEADLINE),
        measured(model.trainable, si),
        measured(model.macs, si),
        timed(model.latency_s, model.latency_ci99_s),
        measured(model.tensor_peak_bytes, byte_size),
    )


def _mean(model: Trained, metric: Metric) -> Cell:
    found = model.accuracy.get(metric)
    if found is None:
        return empty(ABSENT.reason)
    spread = f" ({found.lowest:.1f}–{found.highest:.1f})" if model.seeds > 1 else ""
    return Cell(f"{found.mean:.1f}{spread}", found.mean)


def _bounds(found: Spread | None) -> Cell:
    return empty(ABSENT.reason) if found is None else Cell(f"[{found.low:.1f}, {found.high:.1f}]", found.low)


def _gain(model: Trained, metric: Metric) -> Cell:
    found, floor = model.accuracy.get(metric), model.best_floor(metric)
    if found is None or isinstance(floor, Missing):
        return empty(ABSENT.reason if isinstance(floor, tuple) else floor.reason)
    name, reached = floor
    note = f"the interval reaches the {name} floor: no gain is shown" if found.low <= reached else None
    return Cell(points(found.mean - reached), found.mean - reached, note)


def _floor_rows(model: Trained) -> tuple[tuple[Cell, ...], ...]:
    blank = Cell("")
    return tuple(
        (
            text(f"floor: {floor.name}"),
            blank,
            *(Cell(f"{floor.percent[m]:.1f}", floor.percent[m]) if m in floor.percent else blank for m in METRICS),
            *([blank] * 6),
        )
        for floor in known(model.floors) or ()
    )

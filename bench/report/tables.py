"""The two main tables: what every model costs, and what the trained ones achieve for it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.report.cells import Cell, Table, empty, measured, text
from bench.report.frame import Row, number, reason, rows_of
from bench.report.quantity import byte_size, digits, interval, plural, points, prefix, si
from bench.report.seeds import METRICS, best_floor, dataset_title, floors, seeds_frame, trained

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

_EXECUTION = ("execution.device", "execution.dtype", "execution.backend", "execution.threads")
_UNITS = {"workload.batch_size": "batch", "workload.num_clips": "clips", "execution.threads": "threads"}


def measured_cases(cases: pd.DataFrame, scenario: str) -> list[Row]:
    """The sound cases of a scenario that carry no accuracy, cheapest first."""
    rows = [
        row
        for row in rows_of(cases)
        if row["status"] == "ok" and row["workload.scenario"] == scenario and not trained(row)
    ]
    return sorted(rows, key=lambda row: (number(row, "compute.macs") or 0.0, str(row["case_id"])))


def untrained(cases: pd.DataFrame) -> list[Row]:
    """The single-query cases that were measured for cost alone, cheapest first."""
    return measured_cases(cases, "single_stream")


def by_dataset(rows: list[Row]) -> dict[str, list[Row]]:
    """Rows grouped by the dataset whose sizes they run on, in the order of the names."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(str(row.get("workload.dataset")), []).append(row)
    return dict(sorted(groups.items()))


def model_label(row: Row, among: list[Row]) -> str:
    """The model's name, with what sets it apart where the name alone is ambiguous."""
    name = str(row["model.name"])
    same = [other for other in among if other["model.name"] == name]
    telling = ("tag", *_EXECUTION, "workload.batch_size", "workload.num_clips", "model.config_hash")
    differing = [key for key in telling if len({str(other.get(key)) for other in same}) > 1]
    extra = [_short(key, row[key]) for key in differing if row.get(key)]
    return f"{name} ({', '.join(extra)})" if extra else name


def _short(key: str, value: Any) -> str:
    return f"{value} {_UNITS[key]}" if key in _UNITS else str(value)


def cost_tables(cases: pd.DataFrame) -> list[Table]:
    """One table a dataset: parameters, compute by two counters, latency, throughput, memory."""
    return [_cost_table(dataset, rows) for dataset, rows in by_dataset(untrained(cases)).items()]


def _cost_table(dataset: str, rows: list[Row]) -> Table:
    optional = [entry for entry in _OPTIONAL if any(number(row, entry[1]) is not None for row in rows)]
    threads = sorted({n for row in rows if (n := number(row, "throughput.num_threads")) is not None})
    sweep = f" Throughput with {plural(threads[-1], 'thread')}." if threads else ""
    return Table(
        title=f"Cost at the sizes of {dataset}",
        caption=_workload(rows) + sweep,
        headers=(*COST_HEADERS, *(title for title, _, _ in optional)),
        rows=tuple(
            (*_cost_row(row, rows), *(measured(row, column, show) for _, column, show in optional)) for row in rows
        ),
    )


_OPTIONAL = (
    ("Peak GPU memory", "memory.device_peak_allocated_bytes", byte_size),
    ("Energy per query", "energy.joules_per_query", lambda value: si(value, "J")),
)
"""Columns for machines that can measure them."""


def _cost_row(row: Row, among: list[Row]) -> tuple[Cell, ...]:
    return (
        _named(row, among),
        measured(row, "workload.num_clips", si),
        measured(row, "params.total", si),
        measured(row, "params.trainable", si),
        measured(row, "compute.macs", si),
        measured(row, "compute.flops", si),
        _fvcore(row),
        latency(row),
        _p90(row),
        measured(row, "reference.ratio", digits),
        throughput(row),
        measured(row, "memory.tensor_peak_bytes", byte_size),
    )


_SAME = ("params.total", "params.trainable", "compute.macs", "compute.flops_elementwise", "workload.num_clips")


def _named(row: Row, among: list[Row]) -> Cell:
    """The model's name; students that are one network at inference say so."""
    label = model_label(row, among)
    twins = [
        model_label(other, among)
        for other in among
        if row.get("model.role") == other.get("model.role") == "student"
        and other["model.name"] != row["model.name"]
        and all(row.get(key) is not None and row.get(key) == other.get(key) for key in _SAME)
    ]
    names = " and ".join(sorted([label, *twins]))
    note = f"{names} are one network at inference, to the parameter and the multiply-add; they are trained differently"
    return Cell(label, label, note if twins else None)


def _p90(row: Row) -> Cell:
    cell = measured(row, "latency.p90", lambda value: si(value, "s"))
    return cell if cell.note is None or number(row, "latency.n") is None else empty(f"no 90th percentile: {cell.note}")


def _fvcore(row: Row) -> Cell:
    share = fvcore_share(row)
    counted = measured(row, "compute.crosscheck.fvcore_macs", si)
    return share if share.sort is None else Cell(f"{counted.text} ({share.text})", counted.sort)


def fvcore_share(row: Row) -> Cell:
    """The part of the exact MACs that fvcore sees; the norms it adds are not among them."""
    fvcore, exact = number(row, "compute.crosscheck.fvcore_macs"), number(row, "compute.macs")
    if fvcore is None or not exact:
        return empty(reason(row, "compute.crosscheck.fvcore_macs"))
    share = 100 * (fvcore - (number(row, "compute.crosscheck.fvcore_norm_flops") or 0.0)) / exact
    return Cell(f"{share:.0f} %", share)


def latency(row: Row) -> Cell:
    """Median latency and its interval, both in the median's unit."""
    return timed(row, "latency.median", "latency.median_ci99")


def timed(row: Row, column: str, bounds: str) -> Cell:
    """A time in seconds and its interval, both in the time's unit."""
    value, low, high = number(row, column), number(row, f"{bounds}.low"), number(row, f"{bounds}.high")
    if value is None:
        return empty(reason(row, column))
    factor, letter = prefix(value)
    if low is None or high is None:
        return Cell(f"{digits(value / factor)} {letter}s", value, f"no interval: {reason(row, bounds)}")
    return Cell(f"{digits(value / factor)} {interval(low, high, value)} {letter}s", value)


def throughput(row: Row) -> Cell:
    """Queries per second at the batch size from which more batching stops paying."""
    knee = number(row, "throughput.knee_batch")
    at_knee = [point["value"] for point in row.get("throughput.curve") or [] if point["batch"] == knee]
    if knee is None or not at_knee:
        return empty(reason(row, "throughput.knee_batch"))
    points = row.get("throughput.curve") or []
    ended = [point["value_reason"] for point in points if point.get("status") == "skipped"]
    note = f"larger batches were left out: {ended[0]}" if ended else None
    return Cell(f"{si(at_knee[0], '/s')} at batch {knee:.0f}", at_knee[0], note)


def _workload(rows: list[Row]) -> str:
    """What was run, where all rows agree on it."""
    shown = {
        "workload.num_words": "{} words",
        "workload.batch_size": "batch {}",
        "execution.device": "{}",
        "execution.dtype": "{}",
        "execution.backend": "{}",
        "model.weights_kind": "{} weights",
    }
    values = {key: {row.get(key) for row in rows} for key in shown}
    parts = [shown[key].format(next(iter(found))) for key, found in values.items() if len(found) == 1]
    threads = {number(row, "execution.threads") for row in rows}
    known = [plural(count, "thread") for count in threads if count is not None and len(threads) == 1]
    return ", ".join([*(part for part in parts if "None" not in part), *known]) + "."


def accuracy_tables(cases: pd.DataFrame) -> list[Table]:
    """One table a dataset and protocol: accuracy of the trained runs, their cost, and the floors."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows_of(seeds_frame(cases)):
        key = (dataset_title(row), str(row.get("quality.split")), str(row.get("quality.protocol")))
        groups.setdefault(key, []).append(row)
    return [_accuracy_table(*key, rows) for key, rows in sorted(groups.items())]


def _accuracy_table(dataset: str, split: str, protocol: str, rows: list[Row]) -> Table:
    rows = sorted(rows, key=lambda row: -(number(row, "R1@0.5") or 0.0))
    best = max(rows, key=lambda row: len(floors(row)))
    queries = number(best, "quality.n")
    count = "" if queries is None else f" of {queries:.0f} queries"
    notes = best.get("quality.notes")
    return Table(
        title=f"Accuracy and cost on {dataset}",
        caption=f"Split {split}{count}, {protocol} protocol. A mean over seeds, then (lowest–highest seed); "
        "the interval is the envelope of the seeds' 95 % intervals over queries; "
        "the gain is in percentage points of R1@0.5 over the best floor."
        + (f" Data: {'; '.join(notes)}." if isinstance(notes, list) else ""),
        headers=(
            *("Model", "Seeds", *(f"{name} (%)" for name in METRICS), "R1@0.5 95 % CI", "Gain over floor"),
            *("Trainable", "MACs", "Latency p50 [99 % CI]", "Peak memory"),
        ),
        rows=(*(_accuracy_row(row, rows) for row in rows), *_floor_rows(best)),
        rule_before=len(rows),
    )


def _accuracy_row(row: Row, among: list[Row]) -> tuple[Cell, ...]:
    return (
        text(model_label(row, among)),
        Cell(str(row["seeds"]), float(row["seeds"])),
        *(_metric(row, name) for name in METRICS),
        _bounds(row, "R1@0.5"),
        _gain(row, "R1@0.5"),
        measured(row, "params.trainable", si),
        measured(row, "compute.macs", si),
        latency(row),
        measured(row, "memory.tensor_peak_bytes", byte_size),
    )


def _metric(row: Row, name: str) -> Cell:
    mean, low, high = (number(row, f"{name}{part}") for part in ("", ".min", ".max"))
    if mean is None or low is None or high is None:
        return empty(reason(row, f"quality.{METRICS[name]}"))
    spread = f" ({low:.1f}–{high:.1f})" if row["seeds"] > 1 else ""
    return Cell(f"{mean:.1f}{spread}", mean)


def _bounds(row: Row, name: str) -> Cell:
    low, high = number(row, f"{name}.low"), number(row, f"{name}.high")
    if low is None or high is None:
        return empty(reason(row, "quality.ci95"))
    return Cell(f"[{low:.1f}, {high:.1f}]", low)


def _gain(row: Row, name: str) -> Cell:
    mean, low, floor = number(row, name), number(row, f"{name}.low"), best_floor(row, name)
    if floor is None or mean is None:
        return empty(reason(row, "quality.floors"))
    unsure = low is not None and low <= floor[1]
    note = f"the interval reaches the {floor[0]} floor: no gain is shown" if unsure else None
    return Cell(points(mean - floor[1]), mean - floor[1], note)


def _floor_rows(row: Row) -> tuple[tuple[Cell, ...], ...]:
    blank = Cell("")
    return tuple(
        (
            text(f"floor: {name}"),
            blank,
            *(Cell(f"{values[m]:.1f}", values[m]) if m in values else blank for m in METRICS),
            *([blank] * 6),
        )
        for name, values in floors(row).items()
    )

"""The two main tables: what every model costs, and what the trained ones achieve for it."""

from __future__ import annotations

import pandas as pd

from bench.report.cells import Cell, Table, empty, measured, text
from bench.report.frame import Row, number, reason, rows_of
from bench.report.quantity import byte_size, digits, interval, percent, points, prefix, si
from bench.report.seeds import METRICS, best_floor, dataset_title, floors, seeds_frame, trained

COST_HEADERS = (
    "Model",
    "Params",
    "Trainable",
    "MACs",
    "FLOPs",
    "fvcore MACs (coverage)",
    "Latency p50 [99 % CI]",
    "p90",
    "Throughput at knee",
    "Peak tensors",
    "Peak host memory",
)


def untrained(cases: pd.DataFrame) -> list[Row]:
    """The cases that were measured for cost alone, cheapest first within a dataset."""
    rows = [row for row in rows_of(cases) if row["status"] == "ok" and not trained(row)]
    return sorted(rows, key=lambda row: (number(row, "compute.macs") or 0.0, str(row["case_id"])))


def by_dataset(rows: list[Row], column: str = "workload.dataset") -> dict[str, list[Row]]:
    """Rows grouped by dataset, in the order of the datasets' names."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(str(row.get(column)), []).append(row)
    return dict(sorted(groups.items()))


def model_label(row: Row, among: list[Row]) -> str:
    """The model's name, with what sets it apart where the name alone is ambiguous."""
    name = str(row["model.name"])
    same = [other for other in among if other["model.name"] == name]
    if len(same) == 1:
        return name
    telling = (*_EXECUTION, "workload.batch_size", "workload.num_clips", "model.config_hash")
    extra = [_short(key, row.get(key)) for key in telling if len({str(other.get(key)) for other in same}) > 1]
    return f"{name} ({', '.join(extra)})" if extra else name


_EXECUTION = ("execution.device", "execution.dtype", "execution.backend", "execution.mode", "execution.threads")
_UNITS = {"workload.batch_size": "batch", "workload.num_clips": "clips", "execution.threads": "threads"}


def _short(key: str, value: object) -> str:
    return f"{value} {_UNITS[key]}" if key in _UNITS else str(value)[:16]


def cost_tables(cases: pd.DataFrame) -> list[Table]:
    """One table a dataset: parameters, compute by two counters, latency, throughput, memory."""
    return [_cost_table(dataset, rows) for dataset, rows in by_dataset(untrained(cases)).items()]


def _cost_table(dataset: str, rows: list[Row]) -> Table:
    energy = any(number(row, "energy.joules_per_query") is not None for row in rows)
    return Table(
        title=f"Cost on {dataset_title(dataset)}",
        caption=_workload(rows),
        headers=COST_HEADERS + (("Energy per query",) if energy else ()),
        rows=tuple(_cost_row(row, rows, energy) for row in rows),
    )


def _cost_row(row: Row, among: list[Row], energy: bool) -> tuple[Cell, ...]:
    cells = (
        text(model_label(row, among)),
        measured(row, "params.total", si),
        measured(row, "params.trainable", si),
        measured(row, "compute.macs", si),
        measured(row, "compute.flops", si),
        _fvcore(row),
        latency(row),
        measured(row, "latency.p90", lambda value: si(value, "s")),
        throughput(row),
        measured(row, "memory.tensor_peak_bytes", byte_size),
        measured(row, "memory.host_peak_bytes", byte_size),
    )
    return (*cells, measured(row, "energy.joules_per_query", lambda value: si(value, "J"))) if energy else cells


def _fvcore(row: Row) -> Cell:
    share = fvcore_share(row)
    counted = measured(row, "compute.crosscheck.fvcore_macs", si)
    return share if share.sort is None else Cell(f"{counted.text} ({share.text})", counted.sort)


def fvcore_share(row: Row) -> Cell:
    """fvcore's count as a share of the exact one."""
    fvcore, exact = number(row, "compute.crosscheck.fvcore_macs"), number(row, "compute.macs")
    if fvcore is None or not exact:
        return empty(reason(row, "compute.crosscheck.fvcore_macs"))
    share = 100 * fvcore / exact
    return Cell(f"{share:.0f} %", share)


def latency(row: Row) -> Cell:
    """Median latency and its interval, both in the median's unit."""
    median, low, high = (number(row, f"latency.median{part}") for part in ("", "_ci99.low", "_ci99.high"))
    if median is None:
        return empty(reason(row, "latency.median"))
    bounds = "" if low is None or high is None else f" {interval(low, high, median)}"
    factor, letter = prefix(median)
    return Cell(f"{digits(median / factor)}{bounds} {letter}s", median)


def throughput(row: Row) -> Cell:
    """Queries per second at the batch size from which more batching stops paying."""
    knee = number(row, "throughput.knee_batch")
    at_knee = [point["value"] for point in row.get("throughput.curve") or [] if point["batch"] == knee]
    value = at_knee[0] if at_knee else number(row, "throughput.value")
    if value is None:
        return empty(reason(row, "throughput.value"))
    batch = "" if knee is None else f" at batch {knee:.0f}"
    return Cell(f"{si(value, '/s')}{batch}", value)


def _workload(rows: list[Row]) -> str:
    """What was run, where all rows agree on it."""
    shown = {
        "workload.num_clips": "{} clips",
        "workload.num_words": "{} words",
        "workload.batch_size": "batch {}",
        "execution.device": "{}",
        "execution.dtype": "{}",
        "execution.backend": "{}",
        "execution.threads": "{} thread(s)",
        "model.weights_kind": "{} weights",
    }
    values = {key: {row.get(key) for row in rows} for key in shown}
    parts = [shown[key].format(next(iter(found))) for key, found in values.items() if len(found) == 1]
    return ", ".join(part for part in parts if "None" not in part) + "."


def accuracy_tables(cases: pd.DataFrame) -> list[Table]:
    """One table a dataset and protocol: accuracy of the trained runs, their cost, and the floors."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows_of(seeds_frame(cases)):
        key = (str(row["quality.dataset"]), str(row.get("quality.split")), str(row.get("quality.protocol")))
        groups.setdefault(key, []).append(row)
    return [_accuracy_table(*key, rows) for key, rows in sorted(groups.items())]


def _accuracy_table(dataset: str, split: str, protocol: str, rows: list[Row]) -> Table:
    rows = sorted(rows, key=lambda row: -(number(row, "R1@0.5") or 0.0))
    best = max(rows, key=lambda row: len(floors(row)))
    queries = number(best, "quality.n")
    count = "" if queries is None else f" of {queries:.0f} queries"
    return Table(
        title=f"Accuracy and cost on {dataset_title(dataset)}",
        caption=f"Split {split}{count}, {protocol} protocol. A mean over seeds, then (lowest–highest seed); "
        "the interval is the envelope of the seeds' 95 % intervals over queries; "
        "the gain is in percentage points of R1@0.5 over the best floor.",
        headers=(
            *("Model", "Seeds", *METRICS, "R1@0.5 95 % CI", "Gain over floor"),
            *("Trainable", "MACs", "Latency p50 [99 % CI]", "Peak tensors"),
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
    return Cell(f"{percent(mean)}{spread}", mean)


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
            *(Cell(percent(values[m]), values[m]) if m in values else blank for m in METRICS),
            *([blank] * 6),
        )
        for name, values in floors(row).items()
    )

"""Trained runs, the seeds of one model on one dataset taken together."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Any

import pandas as pd

from bench.report.frame import Row, number, rows_of

METRICS = {"R1@0.3": "r1.0.3", "R1@0.5": "r1.0.5", "R1@0.7": "r1.0.7", "mIoU": "miou"}
"""Name in tables -> dotted name under `quality`, in percent."""

GROUP = (
    "quality.dataset",
    "quality.synthetic",
    "quality.split",
    "quality.protocol",
    "model.name",
    "tag",
    "model.role",
    "model.config_hash",
    "model.recipe_hash",
    "execution.device",
    "execution.dtype",
    "execution.backend",
    "execution.threads",
    "workload.batch_size",
)
"""What must agree for two cases to be seeds of the same thing."""

_COSTS: dict[str, Callable[[Sequence[float]], float]] = {
    "params.trainable": fmean,
    "params.total": fmean,
    "compute.macs": fmean,
    "compute.flops": fmean,
    "latency.median": median,
    "latency.median_ci99.low": min,
    "latency.median_ci99.high": max,
    "memory.tensor_peak_bytes": max,
    "memory.host_peak_bytes": max,
    "memory.device_peak_allocated_bytes": max,
    "energy.joules_per_query": median,
}
"""How the cost of several seeds becomes one figure; an interval becomes the envelope."""


def trained(row: Row) -> bool:
    """Does the case carry an accuracy?"""
    return row["status"] == "ok" and number(row, "quality.miou") is not None


def seeds_frame(cases: pd.DataFrame) -> pd.DataFrame:
    """One row a model, dataset and execution.

    Each metric gives `<metric>` (mean over seeds), `.min`, `.max` (range over seeds) and `.low`,
    `.high` (envelope of the seeds' 95 % intervals over queries); `seeds` is their number.
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows_of(cases):
        if trained(row):
            tagged = {**row, "tag": _tag(row)}
            groups.setdefault(tuple(tagged.get(key) for key in GROUP), []).append(tagged)
    return pd.DataFrame([_aggregate(key, rows) for key, rows in groups.items()], dtype=object)


def _aggregate(key: tuple[Any, ...], rows: list[Row]) -> Row:
    merged: Row = dict(zip(GROUP, key, strict=True))
    merged["seeds"] = sum(len(row.get("quality.seeds") or [None]) for row in rows)
    merged["quality.n"] = rows[0].get("quality.n")
    merged["quality.source"] = rows[0].get("quality.source")
    merged["quality.notes"] = rows[0].get("quality.notes")
    for name, column in METRICS.items():
        merged |= _metric(name, f"quality.{column}", f"quality.ci95.{column}", rows)
    for column in rows[0]:
        if column.startswith(("quality.by_kind.", "quality.r5.")) and (values := _numbers(rows, column)):
            merged[column] = fmean(values)
    for column, combine in _COSTS.items():
        values = _numbers(rows, column)
        merged[column] = combine(values) if values else None
    merged |= {key: rows[0][key] for key in rows[0] if key.startswith("quality.floors.") or key.endswith("reason")}
    return merged


def _metric(name: str, column: str, interval: str, rows: list[Row]) -> Row:
    values = _numbers(rows, column)
    if not values:
        return {name: None}
    bounds = values + _numbers(rows, f"{interval}.low") + _numbers(rows, f"{interval}.high")
    return {
        name: fmean(values),
        f"{name}.min": min(values),
        f"{name}.max": max(values),
        f"{name}.low": min(bounds),
        f"{name}.high": max(bounds),
    }


def _numbers(rows: list[Row], column: str) -> list[float]:
    return [value for row in rows if (value := number(row, column)) is not None]


def floors(row: Row) -> dict[str, dict[str, float]]:
    """What models reach that lack the query or the video: floor name -> metric name -> percent."""
    found: dict[str, dict[str, float]] = {}
    for metric, column in METRICS.items():
        for key in row:
            if key.startswith("quality.floors.") and key.endswith(f".{column}"):
                name = key.removeprefix("quality.floors.").removesuffix(f".{column}").replace("_", "-")
                value = number(row, key)
                if value is not None:
                    found.setdefault(name, {})[metric] = value
    return found


def best_floor(row: Row, metric: str) -> tuple[str, float] | None:
    """Name and value of the highest floor of this metric."""
    known = [(name, values[metric]) for name, values in floors(row).items() if metric in values]
    return max(known, key=lambda pair: pair[1], default=None)


def is_synthetic(row: Row) -> bool:
    """Was the accuracy measured on generated videos? It then says nothing about real video."""
    dataset = str(row.get("quality.dataset"))
    return row.get("quality.synthetic") is True or dataset == "smoke" or dataset.startswith("synth-")


def dataset_title(row: Row) -> str:
    """The name of the dataset that the accuracy belongs to, marked where it is synthetic."""
    return f"{row.get('quality.dataset')} (synthetic)" if is_synthetic(row) else str(row.get("quality.dataset"))


def _tag(row: Row) -> str:
    """What tells this run's training apart: the end of the case's id, without its seed.

    The harness names the run's folder there when model, dataset and seed alone are ambiguous, as
    they are for ablations; such runs must not be averaged as if they were seeds of one another.
    """
    match = re.search(r"\|s\d+\|(.+)$", str(row["case_id"]))
    return re.sub(r"[-_.]?s(eed)?[-_.]?\d+$", "", match[1]) if match else ""

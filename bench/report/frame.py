"""A run file as a tidy table: one row a case, one column a quantity, dotted names."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from emtm.errors import UserError

Row = dict[str, Any]
"""One case with dotted names, such as `latency.median`; a missing quantity is None or absent."""

DROPPED = frozenset({"latency.samples", "training.samples", "end_to_end.samples"})
"""Raw samples stay in the run file: a table cell is no place for hundreds of numbers."""

LEAVES = frozenset({"compute.crosscheck.fvcore_unsupported", "compute.crosscheck.explained_macs"})
"""Dictionaries whose keys are data (operator names), not names of quantities."""

_INTERVALS = ("ci95", "ci99")


def flatten(case: Mapping[str, Any]) -> Row:
    """One case as a flat row; a two-number interval becomes `.low` and `.high`."""
    return dict(_walk(case, ""))


def _walk(node: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    for key, value in node.items():
        name = f"{prefix}{key}"
        if name in DROPPED:
            continue
        if isinstance(value, Mapping) and value and name not in LEAVES:
            yield from _walk(value, f"{name}.")
        elif _is_interval(name, value):
            yield f"{name}.low", value[0]
            yield f"{name}.high", value[1]
        else:
            yield name, value


def _is_interval(name: str, value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and any(part in name for part in _INTERVALS)


def cases_frame(docs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """All cases of all runs, one row each, with the run they come from in `run_id`.

    Raises UserError when two runs hold the same case: a report shows one measurement of a case.
    """
    rows: list[Row] = []
    seen: dict[str, str] = {}
    for doc in docs:
        for case in doc["cases"]:
            case_id, run_id = case["case_id"], doc["run_id"]
            if case_id in seen:
                raise UserError(f"case {case_id} is in run {seen[case_id]} and again in run {run_id}")
            seen[case_id] = run_id
            rows.append({"run_id": run_id, **flatten(case)})
    return pd.DataFrame(rows, dtype=object)


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """The rows as dictionaries that hold only what the case holds."""
    return [
        {str(key): value for key, value in record.items() if not _is_missing(value)}
        for record in frame.to_dict("records")
    ]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def number(row: Row, column: str) -> float | None:
    """The quantity, or None when it was not measured."""
    value = row.get(column)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def reason(row: Row, column: str) -> str:
    """Why `column` has no value: the reason nearest to it in the run file."""
    parts = column.split(".")
    keys = [f"{column}_reason"]
    for end in range(len(parts) - 1, 0, -1):
        block = ".".join(parts[:end])
        keys += [f"{block}.reason", f"{block}_reason"]
    for key in (*keys, "reason"):
        if isinstance(row.get(key), str):
            return str(row[key])
    return "not measured in this run"


def to_csv(frame: pd.DataFrame) -> str:
    """The whole table as CSV; lists are written as JSON."""
    return frame.map(_csv_cell).to_csv(index=False, lineterminator="\n")


def _csv_cell(value: Any) -> Any:
    return json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value

"""Tables for programs: one row a case, teacher or variant, one column a quantity, dotted names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from bench.codec import encode
from bench.missing import Json
from bench.run import Run

DROPPED = frozenset({"latency.samples", "training.samples", "end_to_end.samples"})
"""Raw samples stay in the run file: a table cell is no place for hundreds of numbers."""

LEAVES = frozenset({"compute.crosscheck.fvcore_unsupported", "compute.crosscheck.explained_macs"})
"""Dictionaries whose keys are data (operator names), not names of quantities."""

_INTERVALS = ("ci95", "ci99")


def flatten(doc: Mapping[str, Json]) -> dict[str, Json]:
    """One case as a flat row; a two-number interval becomes `.low` and `.high`."""
    return dict(_walk(doc, ""))


def _walk(node: Mapping[str, Json], prefix: str) -> Iterable[tuple[str, Json]]:
    for key, value in node.items():
        name = f"{prefix}{key}"
        if name in DROPPED:
            continue
        if isinstance(value, dict) and value and name not in LEAVES:
            yield from _walk(value, f"{name}.")
        elif isinstance(value, list) and len(value) == 2 and any(part in name for part in _INTERVALS):
            yield f"{name}.low", value[0]
            yield f"{name}.high", value[1]
        else:
            yield name, value


def runs_csv(runs: Sequence[Run]) -> str:
    """All cases of all runs, one row each, with the run they come from in `run_id`."""
    return to_csv({"run_id": run.run_id, **flatten(encode(case))} for run in runs for case in run.cases)


def to_csv(rows: Iterable[Mapping[str, Json]]) -> str:
    """Rows as CSV, with the columns of all of them; lists are written as JSON."""
    frame = pd.DataFrame(list(rows), dtype=object)
    return frame.map(_cell).to_csv(index=False, lineterminator="\n")


def _cell(value: Json) -> Json:
    return json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value

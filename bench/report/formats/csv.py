"""Tables for programs: one row a case, teacher or variant, one column a quantity, dotted names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from bench.codec import encode
from bench.missing import Json
from bench.report.content.folds import Clustered
from bench.report.content.study import Study, Variant
from bench.report.sections.cells import Cell, Table
from bench.run import Run
from bench.safe import csv_cell
from emtm.metrics.metric import Metric
from emtm.metrics.paired import MeanInterval

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


def tables_csv(tables: Iterable[Table]) -> str:
    """Tables as they are shown, one row a row, with the title in `table`; numbers are not rounded."""
    return to_csv(
        {"table": table.title} | {head: _exact(cell) for head, cell in zip(table.headers, row, strict=True)}
        for table in tables
        for row in table.rows
    )


def _exact(cell: Cell) -> Json:
    """The number behind a cell, or its text."""
    return cell.sort if isinstance(cell.sort, float | int) else (None if cell.sort is None else cell.text)


def study_csv(study: Study) -> str:
    """Everything the study's tables show and more, one row a teacher, variant, baseline or floor."""
    return to_csv(_study_rows(study))


def to_csv(rows: Iterable[Mapping[str, Json]]) -> str:
    """Rows as CSV, with the columns of all of them; lists are written as JSON, and no text is a formula."""
    frame = pd.DataFrame(list(rows), dtype=object)
    return frame.map(_cell).rename(columns=csv_cell).to_csv(index=False, lineterminator="\n")


def _cell(value: Json) -> Json:
    if isinstance(value, list | dict):
        return json.dumps(value, sort_keys=True)
    return csv_cell(value) if isinstance(value, str) else value


def _study_rows(study: Study) -> list[dict[str, Json]]:
    common: dict[str, Json] = {"dataset": study.dataset, "synthetic": study.synthetic, "split": study.split}
    teachers = [
        {
            "kind": "teacher",
            "name": t.name,
            "model": t.model,
            **_means("", t.test),
            **_means("train.", t.train),
            "training_s": t.training_s,
            "labels_s": t.labels_s,
            "device": t.device,
        }
        for t in study.teachers
    ]
    floors = [{"kind": "floor", "name": name, **_means("", floor)} for name, floor in study.floors.items()]
    rows = [_flat(row) | _over_videos(study, row) for row in study.rows]
    return [common | row for row in (*teachers, *rows, *floors)]


def _over_videos(study: Study, row: Variant) -> dict[str, Json]:
    """Ends of the intervals over videos of a study by folds."""
    measures = {} if study.folds is None else study.folds.rows[row.name]
    found: dict[str, Json] = {}
    for metric, measure in measures.items():
        over = f"{metric.key}.over_best_floor"
        found |= _ends(metric.key, measure.value)
        found |= {f"{over}.mean": measure.over_best_floor.mean} | _ends(over, measure.over_best_floor)
        found |= _ends(f"{metric.key}.over_student_alone", measure.over_alone) if measure.over_alone else {}
    return found


def _ends(name: str, found: Clustered) -> dict[str, Json]:
    ends = {} if found.ci95 is None else dict(zip(("low", "high"), found.ci95, strict=True))
    return {f"{name}.ci95_{end}": value for end, value in ends.items()}


def _means(prefix: str, accuracy: Mapping[Metric, float]) -> dict[str, Json]:
    return {f"{prefix}{metric.key}.mean": value for metric, value in accuracy.items()}


def _flat(row: Variant) -> dict[str, Json]:
    flat: dict[str, Json] = {"kind": row.kind, "name": row.name, "what": row.what, "seeds": [*row.seeds]}
    for metric, measure in row.measures.items():
        name = metric.key
        flat |= _columns(name, measure.estimate) | {f"{name}.values": list(measure.values.values())}
        flat |= _columns(f"{name}.over_student_alone", measure.gain) if measure.gain else {}
    return flat | {
        "training_s": row.training_s,
        "device": row.device,
        "soft_gradient_ratio": row.gradient_ratio,
    }


def _columns(name: str, estimate: MeanInterval) -> dict[str, Json]:
    return {f"{name}.mean": estimate.mean, f"{name}.half_width": estimate.half_width, f"{name}.n": estimate.n}

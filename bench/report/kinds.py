"""Accuracy by kind of query: where a mean hides that a model fails at what is hard."""

from __future__ import annotations

import re

import pandas as pd

from bench.report.cells import Cell, Table, empty, text
from bench.report.frame import Row, number, rows_of
from bench.report.seeds import dataset_title, seeds_frame
from bench.report.tables import model_label

_COUNT = re.compile(r"^quality\.by_kind\.(.+)\.queries$")
_R1, _R5 = "quality.by_kind.{}.r1.0.5", "quality.r5.0.5"


def kind_tables(cases: pd.DataFrame) -> list[Table]:
    """One table a dataset and protocol whose queries are of several kinds."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows_of(seeds_frame(cases)):
        groups.setdefault((dataset_title(row), str(row.get("quality.protocol"))), []).append(row)
    tables = (_table(dataset, rows) for (dataset, _), rows in sorted(groups.items()))
    return [table for table in tables if table is not None]


def _table(dataset: str, rows: list[Row]) -> Table | None:
    counts: dict[str, float] = {}
    for row in rows:
        for column in row:
            match, count = _COUNT.match(column), number(row, column)
            if match and count is not None:
                counts[match[1]] = count
    if len(counts) < 2:
        return None
    kinds = sorted(counts, key=lambda kind: -counts[kind])
    rows = sorted(rows, key=lambda row: -(number(row, "R1@0.5") or 0.0))
    return Table(
        title=f"Kinds of queries on {dataset}",
        caption="R1@0.5, mean over seeds. An ordinal query asks for the first or second of two like events; a "
        "composite one spans two events. R5@0.5 counts a hit among the first five moments.",
        headers=("Model", *(f"{kind}, {counts[kind]:.0f} queries (%)" for kind in kinds), "All: R5@0.5 (%)"),
        rows=tuple(
            (text(model_label(row, rows)), *(_percent(row, _R1.format(kind)) for kind in kinds), _percent(row, _R5))
            for row in rows
        ),
    )


def _percent(row: Row, column: str) -> Cell:
    value = number(row, column)
    return empty("not in the run file") if value is None else Cell(f"{value:.1f}", value)

"""What others published on the datasets of a report: tables of their own, every figure marked."""

from __future__ import annotations

import pandas as pd

from bench.report.cells import Cell, Table, text
from bench.report.frame import rows_of
from bench.report.seeds import METRICS, is_synthetic, trained
from emtm.metrics.published import LEGEND, published


def published_tables(cases: pd.DataFrame) -> list[Table]:
    """One table for each real dataset that the report has accuracies of; none for synthetic ones."""
    measured = {str(row.get("quality.dataset")) for row in rows_of(cases) if trained(row) and not is_synthetic(row)}
    return [_table(dataset) for dataset in sorted(measured) if published(dataset)]


def _table(dataset: str) -> Table:
    rows = []
    for entry in published(dataset):
        values = (*(entry.r1.get(name.removeprefix("R1@")) for name in METRICS if name != "mIoU"), entry.miou)
        figures = (Cell(shown, value) for shown, value in zip(entry.cells(), values, strict=True))
        name = f"{entry.model} ({entry.note})" if entry.note else entry.model
        rows.append((text(name), text(entry.split), text(entry.features), *figures, text(entry.source)))
    return Table(
        title=f"Published on {dataset}, not measured here",
        caption=f"{LEGEND[0].upper()}{LEGEND[1:]}. Figures on other splits or features do not compare with the above.",
        headers=("Model", "Tested on", "Features", *(f"{name} (%)" for name in METRICS), "Source"),
        rows=tuple(rows),
    )

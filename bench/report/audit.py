"""Where the compute goes, and what another counter would have said about it."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from bench.report.cells import Cell, Table, empty, measured, text
from bench.report.frame import Row, number, reason
from bench.report.quantity import percent, si
from bench.report.seeds import dataset_title
from bench.report.tables import by_dataset, fvcore_share, model_label, untrained
from emtm.contract import STAGES


def stage_macs(row: Row) -> dict[str, float]:
    """MACs of each stage that has any, in the order the stages run; others after the known ones."""
    start, end = "compute.by_stage.", ".macs"
    found = [key[len(start) : -len(end)] for key in row if key.startswith(start) and key.endswith(end)]
    order = [name for name in STAGES if name in found] + sorted(set(found) - set(STAGES))
    values = {name: number(row, f"{start}{name}{end}") for name in order}
    return {name: value for name, value in values.items() if value is not None}


def stage_tables(cases: pd.DataFrame) -> list[Table]:
    """One table a dataset: MACs of each stage and their share of the model."""
    groups = by_dataset([row for row in untrained(cases) if stage_macs(row)])
    return [_stage_table(dataset, rows) for dataset, rows in groups.items()]


def _stage_table(dataset: str, rows: list[Row]) -> Table:
    stages = list(dict.fromkeys(name for row in rows for name in stage_macs(row)))
    stages.sort(key=lambda name: STAGES.index(name) if name in STAGES else len(STAGES))
    return Table(
        title=f"MACs by stage on {dataset_title(dataset)}",
        caption="A stage without MACs does not exist in the model or needs none.",
        headers=("Model", "All stages", *stages),
        rows=tuple(
            (
                text(model_label(row, rows)),
                measured(row, "compute.macs", si),
                *(_stage(row, name) for name in stages),
            )
            for row in rows
        ),
    )


def _stage(row: Row, name: str) -> Cell:
    value, total = stage_macs(row).get(name, 0.0), number(row, "compute.macs")
    if not value or not total:
        return Cell("0", 0.0)
    return Cell(f"{si(value)} ({percent(100 * value / total)})", value)


def crosscheck_tables(cases: pd.DataFrame) -> list[Table]:
    """One table a dataset: the exact count, fvcore's, and what explains the difference."""
    groups = by_dataset([row for row in untrained(cases) if number(row, "compute.macs") is not None])
    return [_crosscheck_table(dataset, rows) for dataset, rows in groups.items()]


def _crosscheck_table(dataset: str, rows: list[Row]) -> Table:
    flips = order_flips(rows)
    caption = "fvcore orders the models that it can count as the exact count does."
    if flips:
        caption = "fvcore turns the order around: " + "; ".join(flips) + "."
    return Table(
        title=f"What fvcore would have said on {dataset_title(dataset)}",
        caption=caption,
        headers=("Model", "Exact MACs", "fvcore's “FLOPs”", "fvcore sees", "Why"),
        rows=tuple(
            (
                text(model_label(row, rows)),
                measured(row, "compute.macs", si),
                measured(row, "compute.crosscheck.fvcore_macs", si),
                fvcore_share(row),
                _explanation(row),
            )
            for row in rows
        ),
    )


def _explanation(row: Row) -> Cell:
    explained = row.get("compute.crosscheck.explained_by")
    names = [explained] if isinstance(explained, str) else list(explained or [])
    if names:
        return text(", ".join(_operator(row, str(name)) for name in names))
    if number(row, "compute.crosscheck.fvcore_macs") is None:
        return empty(reason(row, "compute.crosscheck.fvcore_macs"))
    return text("the counters agree" if _agree(row) else "unexplained")


def _operator(row: Row, name: str) -> str:
    calls = (row.get("compute.crosscheck.fvcore_unsupported") or {}).get(name)
    return f"{name} ×{calls}" if calls else name


def _agree(row: Row) -> bool:
    return number(row, "compute.macs") == number(row, "compute.crosscheck.fvcore_macs")


def order_flips(rows: list[Row]) -> list[str]:
    """Pairs of models that fvcore ranks the other way round."""
    known = [row for row in rows if number(row, "compute.crosscheck.fvcore_macs") is not None]
    return [
        f"{model_label(a, rows)} looks dearer than {model_label(b, rows)} and is cheaper"
        for a, b in combinations(sorted(known, key=lambda row: number(row, "compute.macs") or 0.0), 2)
        if _flipped(a, b)
    ]


def _flipped(cheaper: Row, dearer: Row) -> bool:
    exact = (number(dearer, "compute.macs") or 0.0) - (number(cheaper, "compute.macs") or 0.0)
    fvcore = (number(dearer, "compute.crosscheck.fvcore_macs") or 0.0) - (
        number(cheaper, "compute.crosscheck.fvcore_macs") or 0.0
    )
    return exact > 0 > fvcore

"""Where the compute and the time go, and what another counter would have said about it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pandas as pd

from bench.report.cells import Cell, Table, empty, measured, text
from bench.report.frame import Row, number, reason
from bench.report.quantity import si
from bench.report.tables import by_dataset, fvcore_share, model_label, untrained
from emtm.contract import STAGES

_SHARES = "In brackets the share of all stages."
_HOOKED = f"Medians from calls of their own, which the clocks between the stages slow down a little. {_SHARES}"
_CONFIGURATION = ("model.name", "model.config_hash", "workload.dataset", "workload.num_clips", "workload.num_words")


def counted(cases: pd.DataFrame) -> list[Row]:
    """One case for each model and workload: a count is the same on every device and thread number."""
    first: dict[tuple[str, ...], Row] = {}
    for row in untrained(cases):
        if number(row, "compute.macs") is not None:
            first.setdefault(tuple(str(row.get(key)) for key in _CONFIGURATION), row)
    return list(first.values())


def stage_macs(row: Row) -> dict[str, float]:
    """MACs of each stage, in the order in which the stages run."""
    return _stages(row, "compute.by_stage.", ".macs")


def stage_seconds(row: Row) -> dict[str, float]:
    """Median seconds of each stage, in the order in which the stages run."""
    return _stages(row, "latency.by_stage.", "")


def _stages(row: Row, start: str, end: str) -> dict[str, float]:
    found = [key[len(start) : len(key) - len(end)] for key in row if key.startswith(start) and key.endswith(end)]
    values = {name: number(row, f"{start}{name}{end}") for name in sorted(found, key=stage_place)}
    return {name: value for name, value in values.items() if value is not None}


def stage_place(stage: str) -> tuple[int, str]:
    """What stages are sorted by: the order they run in, unknown ones last."""
    return (STAGES.index(stage) if stage in STAGES else len(STAGES), stage)


def stage_tables(cases: pd.DataFrame) -> list[Table]:
    """Two tables a dataset: MACs of each stage, and seconds of each stage."""
    return [
        *_each_dataset(counted(cases), "MACs", _SHARES, stage_macs, si),
        *_each_dataset(untrained(cases), "Time", _HOOKED, stage_seconds, lambda value: si(value, "s")),
    ]


def _each_dataset(
    rows: list[Row],
    what: str,
    caption: str,
    parts: Callable[[Row], dict[str, float]],
    show: Callable[[float], str],
) -> list[Table]:
    tables = []
    for dataset, group in by_dataset([row for row in rows if parts(row)]).items():
        stages = sorted({name for row in group for name, value in parts(row).items() if value}, key=stage_place)
        tables.append(
            Table(
                title=f"{what} by stage at the sizes of {dataset}",
                caption=caption,
                headers=("Model", "All stages", *stages),
                rows=tuple(_stage_row(model_label(row, group), parts(row), stages, show) for row in group),
            )
        )
    return tables


def _stage_row(
    label: str, parts: dict[str, float], stages: list[str], show: Callable[[float], str]
) -> tuple[Cell, ...]:
    total = sum(parts.values())
    cells = [_share(parts.get(name, 0.0), total, show) for name in stages]
    return (text(label), Cell(show(total), total), *cells)


def _share(value: float, total: float, show: Callable[[float], str]) -> Cell:
    return Cell(f"{show(value)} ({100 * value / total:.0f} %)", value) if value else Cell("0", 0.0)


def cache_tables(cases: pd.DataFrame) -> list[Table]:
    """One table a dataset: what encoding the video takes, and what is left for each query of an encoded one."""
    rows = [row for row in counted(cases) if number(row, "compute.query_independent_macs") is not None]
    return [_cache_table(dataset, group) for dataset, group in by_dataset(rows).items()]


def _cache_table(dataset: str, rows: list[Row]) -> Table:
    return Table(
        title=f"What a cache of encoded videos saves at the sizes of {dataset}",
        caption="Encoding a video does not depend on the query, so it is done once for all queries of the video.",
        headers=("Model", "MACs", "Once a video", "Share", "Each further query"),
        rows=tuple(
            (
                text(model_label(row, rows)),
                measured(row, "compute.macs", si),
                measured(row, "compute.query_independent_macs", si),
                *_cached(row),
            )
            for row in rows
        ),
    )


def _cached(row: Row) -> tuple[Cell, Cell]:
    total, once = _exact(row), number(row, "compute.query_independent_macs") or 0.0
    share = 100 * once / total if total else 0.0
    return Cell(f"{share:.3g} %", share), Cell(si(total - once), total - once)


def crosscheck_tables(cases: pd.DataFrame) -> list[Table]:
    """One table a dataset: the exact count, fvcore's, and what explains the difference."""
    return [_crosscheck_table(dataset, rows) for dataset, rows in by_dataset(counted(cases)).items()]


def _crosscheck_table(dataset: str, rows: list[Row]) -> Table:
    flips = order_flips(rows)
    caption = "fvcore orders the models that it can count as the exact count does."
    if flips:
        caption = "fvcore turns the order around: " + "; ".join(flips) + "."
    return Table(
        title=f"What fvcore would have said at the sizes of {dataset}",
        caption=caption,
        headers=("Model", "Exact MACs", "Operators counted", "fvcore's “FLOPs”", "fvcore's coverage", "Why"),
        rows=tuple(
            (
                text(model_label(row, rows)),
                measured(row, "compute.macs", si),
                measured(row, "compute.coverage.covered_pct", lambda value: f"{value:.4g} %"),
                measured(row, "compute.crosscheck.fvcore_macs", si),
                fvcore_share(row),
                _explanation(row),
            )
            for row in rows
        ),
    )


def _explanation(row: Row) -> Cell:
    if number(row, "compute.crosscheck.fvcore_macs") is None:
        return empty(reason(row, "compute.crosscheck.fvcore_macs"))
    hidden: dict[str, int] = row.get("compute.crosscheck.explained_macs") or {}
    parts = [f"no {name}{_calls(row, name)}: {si(macs)}" for name, macs in hidden.items()]
    rest = number(row, "compute.crosscheck.unexplained_macs")
    if rest:
        parts.append(f"unexplained: {si(rest)}")
    norms = number(row, "compute.crosscheck.fvcore_norm_flops")
    if norms:
        parts.append(f"adds {si(norms)} FLOPs of norms")
    return text("; ".join(parts) or "the counters agree")


def _calls(row: Row, operator: str) -> str:
    calls = (row.get("compute.crosscheck.fvcore_unsupported") or {}).get(operator)
    return f" ×{calls}" if calls else ""


def order_flips(rows: list[Row]) -> list[str]:
    """Pairs of models that fvcore ranks the other way round."""
    known = [row for row in rows if number(row, "compute.crosscheck.fvcore_macs") is not None]
    return [
        f"{model_label(a, rows)} looks dearer than {model_label(b, rows)} and is cheaper"
        for a, b in combinations(sorted(known, key=_exact), 2)
        if _exact(a) < _exact(b) and _printed(a) > _printed(b)
    ]


def _exact(row: Row) -> float:
    return number(row, "compute.macs") or 0.0


def _printed(row: Row) -> float:
    return number(row, "compute.crosscheck.fvcore_macs") or 0.0

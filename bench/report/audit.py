"""Where the compute and the time go, and what another counter would have said about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.missing import Missing, known, of
from bench.record import CaseRecord
from bench.report.cells import Cell, Table, empty, measured, text
from bench.report.content.cases import Group, Named, macs
from bench.report.content.content import Content
from bench.report.content.counts import Crosschecked, fvcore_macs, query_independent_macs
from bench.report.content.stages import Stages, stage_place
from bench.report.quantity import si
from bench.report.tables import fvcore_share

_SHARES = "In brackets the share of all stages."
_HOOKED = f"Medians from calls of their own, which the clocks between the stages slow down a little. {_SHARES}"


def stage_tables(content: Content) -> list[Table]:
    """Two tables a dataset: MACs of each stage, and seconds of each stage."""
    return [
        *(_stage_table(group, "MACs", _SHARES, si) for group in content.stage_macs),
        *(_stage_table(group, "Time", _HOOKED, lambda value: si(value, "s")) for group in content.stage_seconds),
    ]


def _stage_table(group: Group[Stages], what: str, caption: str, show: Callable[[float], str]) -> Table:
    stages = sorted({name for row in group.rows for name, value in row.parts.items() if value}, key=stage_place)
    return Table(
        title=f"{what} by stage at the sizes of {group.dataset}",
        caption=caption,
        headers=("Model", "All stages", *stages),
        rows=tuple(_stage_row(row, stages, show) for row in group.rows),
    )


def _stage_row(row: Stages, stages: Sequence[str], show: Callable[[float], str]) -> tuple[Cell, ...]:
    total = float(sum(row.parts.values()))
    cells = [_share(float(row.parts.get(name, 0.0)), total, show) for name in stages]
    return (text(row.label), Cell(show(total), total), *cells)


def _share(value: float, total: float, show: Callable[[float], str]) -> Cell:
    return Cell(f"{show(value)} ({100 * value / total:.0f} %)", value) if value else Cell("0", 0.0)


def cache_tables(content: Content) -> list[Table]:
    """One table a dataset: what encoding the video takes, and what is left for each query of an encoded one."""
    return [_cache_table(group) for group in content.cached]


def _cache_table(group: Group[Named]) -> Table:
    return Table(
        title=f"What a cache of encoded videos saves at the sizes of {group.dataset}",
        caption="Encoding a video does not depend on the query, so it is done once for all queries of the video.",
        headers=("Model", "MACs", "Once a video", "Share", "Each further query"),
        rows=tuple(
            (
                text(row.label),
                measured(macs(row.case), si),
                measured(query_independent_macs(row.case), si),
                *_cached(row.case),
            )
            for row in group.rows
        ),
    )


def _cached(case: CaseRecord) -> tuple[Cell, Cell]:
    total, once = known(macs(case)) or 0, known(query_independent_macs(case)) or 0
    share = 100 * once / total if total else 0.0
    return Cell(f"{share:.3g} %", share), Cell(si(total - once), float(total - once))


def crosscheck_tables(content: Content) -> list[Table]:
    """One table a dataset: the exact count, fvcore's, and what explains the difference."""
    return [_crosscheck_table(group) for group in content.crosschecked]


def _crosscheck_table(group: Crosschecked) -> Table:
    caption = "fvcore orders the models that it can count as the exact count does."
    if group.flips:
        flips = (f"{dearer} looks dearer than {cheaper} and is cheaper" for dearer, cheaper in group.flips)
        caption = f"fvcore turns the order around: {'; '.join(flips)}."
    return Table(
        title=f"What fvcore would have said at the sizes of {group.dataset}",
        caption=caption,
        headers=("Model", "Exact MACs", "Operators counted", "fvcore's “FLOPs”", "fvcore's coverage", "Why"),
        rows=tuple(
            (
                text(row.label),
                measured(macs(row.case), si),
                measured(
                    of(row.case.compute, lambda compute: compute.coverage.covered_pct), lambda value: f"{value:.4g} %"
                ),
                measured(fvcore_macs(row.case), si),
                fvcore_share(row.case),
                _explanation(row.case),
            )
            for row in group.rows
        ),
    )


def _explanation(case: CaseRecord) -> Cell:
    crosscheck = of(case.compute, lambda compute: compute.crosscheck)
    if isinstance(crosscheck, Missing):
        return empty(crosscheck.reason)
    if isinstance(crosscheck.fvcore_macs, Missing):
        return empty(crosscheck.fvcore_macs.reason)
    hidden, calls = known(crosscheck.explained_macs) or {}, known(crosscheck.fvcore_unsupported) or {}
    parts = [f"no {name}{f' ×{calls[name]}' if calls.get(name) else ''}: {si(count)}" for name, count in hidden.items()]
    if rest := known(crosscheck.unexplained_macs):
        parts.append(f"unexplained: {si(rest)}")
    if norms := known(crosscheck.fvcore_norm_flops):
        parts.append(f"adds {si(norms)} FLOPs of norms")
    return text("; ".join(parts) or "the counters agree")

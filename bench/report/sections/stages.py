"""Where compute and time go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.report.content.cases import Group
from bench.report.content.content import Content
from bench.report.content.stages import Stages, stage_place
from bench.report.figures.stages import stage_figures
from bench.report.quantity import si
from bench.report.sections.cells import Cell, Table, about
from bench.report.sections.section import Section

_SHARES = "In brackets the share of all stages."
_HOOKED = f"Medians from calls of their own, which the clocks between the stages slow down a little. {_SHARES}"


def section(content: Content) -> Section:
    """Stages of a query."""
    return Section(
        key="stages",
        title="Where compute and time go",
        figures=tuple(stage_figures(content.stage_macs)),
        tables=tuple(stage_tables(content)),
    )


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
        timed=frozenset({"All stages", *stages}) if what == "Time" else frozenset(),
    )


def _stage_row(row: Stages, stages: Sequence[str], show: Callable[[float], str]) -> tuple[Cell, ...]:
    total = float(sum(row.parts.values()))
    cells = [_share(float(row.parts.get(name, 0.0)), total, show) for name in stages]
    return (about(row.subject), Cell(show(total), total), *cells)


def _share(value: float, total: float, show: Callable[[float], str]) -> Cell:
    return Cell(f"{show(value)} ({100 * value / total:.0f} %)", value) if value else Cell("0", 0.0)

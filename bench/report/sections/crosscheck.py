"""What another counter would have said about the compute, and why."""

from __future__ import annotations

from bench.missing import Missing, known, of
from bench.record import CaseRecord
from bench.report.content.cases import macs
from bench.report.content.content import Content
from bench.report.content.counts import Crosschecked, fvcore_coverage, fvcore_macs
from bench.report.content.subject import of_case
from bench.report.quantity import share, si
from bench.report.sections.cells import Cell, Table, about, empty, measured, text
from bench.report.sections.section import Section


def section(content: Content) -> Section:
    """The exact count beside fvcore's."""
    return Section(
        key="crosscheck",
        title="What fvcore would have said, and why",
        tables=tuple(crosscheck_tables(content)),
    )


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
                about(of_case(row)),
                measured(macs(row.case), si),
                measured(
                    of(row.case.compute, lambda compute: compute.coverage.covered_pct), lambda value: f"{value:.4g} %"
                ),
                measured(fvcore_macs(row.case), si),
                measured(fvcore_coverage(row.case), share),
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

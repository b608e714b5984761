"""What training and evaluating a model takes, beyond a single query."""

from __future__ import annotations

from collections.abc import Sequence

from bench.missing import Missing, of
from bench.record import CaseRecord
from bench.report.content.cases import Named
from bench.report.content.content import Content
from bench.report.content.steps import Step, Steps, step_ci99_s, step_s
from bench.report.content.subject import of_case
from bench.report.quantity import digits, si
from bench.report.sections.cells import Cell, Table, about, empty, measured, text, timed
from bench.report.sections.section import Section


def section(content: Content) -> Section:
    """Training steps, and whole test splits."""
    return Section(key="workflows", title="Training and evaluation", tables=tuple(workflow_tables(content)))


def workflow_tables(content: Content) -> list[Table]:
    """Training steps by dataset, then the time to evaluate a whole test split; absent where not measured."""
    tables = [_step_table(steps) for steps in content.steps]
    return [*tables, *([_evaluation_table(content.evaluations)] if content.evaluations else [])]


_STEP = "Forward, loss, backward, clipping and the optimiser's update of one batch."
_RATIO = (
    " × student is the step over that of the student trained alone; its interval is made of the ends of both 99 % "
    "intervals."
)
_TAUGHT = " EMTM's step takes the teachers' soft labels from a cache; what the teachers cost is not in it."


def _step_table(steps: Steps) -> Table:
    return Table(
        title=f"One training step at the sizes of {steps.dataset}",
        caption=_STEP
        + (_RATIO if steps.compared else "")
        + (_TAUGHT if any(step.case.model.name == "emtm" for step in steps.rows) else ""),
        headers=(
            *("Model", "Batch", "Threads", "Step p50 [99 % CI]", "× GEMM floor", "Samples per second"),
            *(("× student [interval]",) if steps.compared else ()),
        ),
        rows=tuple((*_step_row(step), *((_over_student(step),) if steps.compared else ())) for step in steps.rows),
        timed=frozenset({"Step p50 [99 % CI]", "× GEMM floor", "Samples per second", "× student [interval]"}),
    )


def _step_row(step: Step) -> tuple[Cell, ...]:
    case = step.case
    return (
        about(of_case(Named(step.label, case))),
        measured(case.workload.batch_size, si),
        measured(case.execution.threads, si),
        timed(step_s(case), step_ci99_s(case)),
        measured(of(case.reference, lambda reference: reference.ratio), digits),
        measured(of(case.training, lambda training: training.samples_per_s), lambda value: si(value, "/s")),
    )


def _over_student(step: Step) -> Cell:
    ratio = step.over_student
    if isinstance(ratio, Missing):
        return empty(ratio.reason)
    if step.is_student:
        return Cell("1", ratio.value)
    if isinstance(ratio.interval, Missing):
        return Cell(digits(ratio.value), ratio.value, f"no interval: {ratio.interval.reason}")
    low, high = ratio.interval
    return Cell(f"{digits(ratio.value)} [{digits(low)}, {digits(high)}]", ratio.value)


def _evaluation_table(rows: Sequence[Named]) -> Table:
    return Table(
        title="Evaluating a whole test split",
        caption="Each video is encoded once and kept for all of its queries.",
        headers=("Model", "Sizes of", "Queries", "Videos", "Threads", "Time"),
        rows=tuple(
            (
                about(of_case(row)),
                text(row.case.workload.dataset),
                measured(of(row.case.evaluation, lambda block: block.queries), lambda value: f"{value:.0f}"),
                measured(of(row.case.evaluation, lambda block: block.videos), lambda value: f"{value:.0f}"),
                measured(row.case.execution.threads, si),
                _evaluation_time(row.case),
            )
            for row in rows
        ),
    )


def _evaluation_time(case: CaseRecord) -> Cell:
    if isinstance(case.evaluation, Missing):
        return empty(case.evaluation.reason)
    block = case.evaluation
    note = f"extrapolated from {block.queries_measured} queries"
    return Cell(si(block.seconds, "s"), block.seconds, None if block.queries_measured == block.queries else note)

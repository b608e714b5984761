"""What training and evaluating a model takes, beyond a single query."""

from __future__ import annotations

import math

import pandas as pd

from bench.report.cells import Cell, Table, empty, measured, text
from bench.report.frame import Row, number, reason
from bench.report.quantity import digits, si
from bench.report.tables import by_dataset, measured_cases, model_label, timed


def workflow_tables(cases: pd.DataFrame) -> list[Table]:
    """Training steps by dataset, then the time to evaluate a whole test split; absent where not measured."""
    steps = by_dataset(measured_cases(cases, "train_step"))
    evaluations = measured_cases(cases, "evaluation")
    tables = [_step_table(dataset, rows) for dataset, rows in steps.items()]
    return [*tables, *([_evaluation_table(evaluations)] if evaluations else [])]


STUDENT = "emtm-student"
"""What the training steps of the others are compared with: the student without any teacher."""
_STEP = "Forward, loss, backward, clipping and the optimiser's update of one batch."
_RATIO = (
    " × student is the step over that of the student trained alone; its interval is made of the ends of both 99 % "
    "intervals."
)
_TAUGHT = " EMTM's step takes the teachers' soft labels from a cache; what the teachers cost is not in it."


def _step_table(dataset: str, rows: list[Row]) -> Table:
    rows = sorted(rows, key=lambda row: (number(row, "training.step_s") or math.inf, str(row["case_id"])))
    alone = {_execution(row): row for row in rows if row["model.name"] == STUDENT}
    compared = bool(alone) and len(rows) > len(alone)
    return Table(
        title=f"One training step at the sizes of {dataset}",
        caption=_STEP
        + (_RATIO if compared else "")
        + (_TAUGHT if any(r["model.name"] == "emtm" for r in rows) else ""),
        headers=(
            *("Model", "Batch", "Threads", "Step p50 [99 % CI]", "× GEMM floor", "Samples per second"),
            *(("× student [interval]",) if compared else ()),
        ),
        rows=tuple(
            (
                text(model_label(row, rows)),
                measured(row, "workload.batch_size", si),
                measured(row, "execution.threads", si),
                timed(row, "training.step_s", "training.step_ci99_s"),
                measured(row, "reference.ratio", digits),
                measured(row, "training.samples_per_s", lambda value: si(value, "/s")),
                *((_step_ratio(row, alone.get(_execution(row))),) if compared else ()),
            )
            for row in rows
        ),
    )


def _execution(row: Row) -> tuple[object, ...]:
    keys = ("execution.device", "execution.dtype", "execution.backend", "execution.threads", "workload.batch_size")
    return tuple(row.get(key) for key in keys)


def _step_ratio(row: Row, student: Row | None) -> Cell:
    """Step over the student's, with the widest ratio that both intervals allow."""
    if student is None:
        return empty("the student's step was not measured in this way")
    ours, theirs = number(row, "training.step_s"), number(student, "training.step_s")
    if ours is None or theirs is None:
        return empty(reason(row if ours is None else student, "training.step_s"))
    ratio = ours / theirs
    if row is student:
        return Cell("1", ratio)
    low, high = (number(row, f"training.step_ci99_s.{end}") for end in ("low", "high"))
    least, most = (number(student, f"training.step_ci99_s.{end}") for end in ("low", "high"))
    if low is None or high is None or least is None or most is None:
        unsure = student if low is not None else row
        return Cell(digits(ratio), ratio, f"no interval: {reason(unsure, 'training.step_ci99_s')}")
    return Cell(f"{digits(ratio)} [{digits(low / most)}, {digits(high / least)}]", ratio)


def _evaluation_table(rows: list[Row]) -> Table:
    return Table(
        title="Evaluating a whole test split",
        caption="Each video is encoded once and kept for all of its queries.",
        headers=("Model", "Sizes of", "Queries", "Videos", "Threads", "Time"),
        rows=tuple(
            (
                text(model_label(row, rows)),
                text(str(row["workload.dataset"])),
                measured(row, "evaluation.queries", lambda value: f"{value:.0f}"),
                measured(row, "evaluation.videos", lambda value: f"{value:.0f}"),
                measured(row, "execution.threads", si),
                _evaluation_time(row),
            )
            for row in rows
        ),
    )


def _evaluation_time(row: Row) -> Cell:
    cell = measured(row, "evaluation.seconds", lambda value: si(value, "s"))
    done, all_queries = number(row, "evaluation.queries_measured"), number(row, "evaluation.queries")
    if done is None or done == all_queries:
        return cell
    return Cell(cell.text, cell.sort, f"extrapolated from {done:.0f} queries")

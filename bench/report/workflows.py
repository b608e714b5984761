"""What training and evaluating a model takes, beyond a single query."""

from __future__ import annotations

import pandas as pd

from bench.report.cells import Cell, Table, measured, text
from bench.report.frame import Row, number
from bench.report.quantity import digits, si
from bench.report.tables import by_dataset, measured_cases, model_label, timed


def workflow_tables(cases: pd.DataFrame) -> list[Table]:
    """Training steps by dataset, then the time to evaluate a whole test split; absent where not measured."""
    steps = by_dataset(measured_cases(cases, "train_step"))
    evaluations = measured_cases(cases, "evaluation")
    tables = [_step_table(dataset, rows) for dataset, rows in steps.items()]
    return [*tables, *([_evaluation_table(evaluations)] if evaluations else [])]


def _step_table(dataset: str, rows: list[Row]) -> Table:
    rows = sorted(rows, key=lambda row: (number(row, "training.step_s") or 0.0, str(row["case_id"])))
    return Table(
        title=f"One training step at the sizes of {dataset}",
        caption="Forward, loss, backward, clipping and the optimiser's update of one batch.",
        headers=("Model", "Batch", "Threads", "Step p50 [99 % CI]", "× GEMM floor", "Samples per second"),
        rows=tuple(
            (
                text(model_label(row, rows)),
                measured(row, "workload.batch_size", si),
                measured(row, "execution.threads", si),
                timed(row, "training.step_s", "training.step_ci99_s"),
                measured(row, "reference.ratio", digits),
                measured(row, "training.samples_per_s", lambda value: si(value, "/s")),
            )
            for row in rows
        ),
    )


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

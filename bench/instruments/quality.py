"""Accuracy of a trained run, in the row of its cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

RANDOM_WEIGHTS = "the weights are random: accuracy would mean nothing"


def measure(run_dir: Path, split: str = "test") -> dict[str, Any]:
    """Metrics of the trained run on `split`, in percent.

    The evaluation's own result is kept whole; `n` and `r1_iou05` and its like stand beside it for
    readers of flat tables.
    """
    from emtm.training.evaluation import evaluate_run

    result: dict[str, Any] = evaluate_run(run_dir, split=split).to_json()
    flat = {f"r1_iou{threshold.replace('.', '')}": value for threshold, value in result["r1"].items()}
    return {**result, "n": result["queries"], **flat, "source": "measured"}

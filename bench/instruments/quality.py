"""Accuracy of a trained run, in the row of its cost."""

from __future__ import annotations

from pathlib import Path

from bench.codec import decode
from bench.missing import Json
from bench.record import Quality

RANDOM_WEIGHTS = "the weights are random: accuracy would mean nothing"
_NOT_ON_THIS_SPLIT = "this split does not allow it"


def measure(run_dir: Path, seed: int, split: str = "test") -> Quality:
    """Metrics of the trained run on `split`, in percent.

    The evaluation's own result is kept whole; `n` and `r1_iou05` and its like stand beside it for
    readers of flat tables.
    """
    from emtm.training.evaluation import evaluate_run

    evaluation = evaluate_run(run_dir, split=split)
    doc: dict[str, Json] = evaluation.to_json()
    doc |= {f"{key}_reason": _NOT_ON_THIS_SPLIT for key, value in doc.items() if value is None}
    doc |= {f"r1_iou{threshold.replace('.', '')}": value for threshold, value in evaluation.scores.r1.items()}
    return decode(Quality, {**doc, "n": evaluation.scores.queries, "source": "measured", "seeds": [seed]})

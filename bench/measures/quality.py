"""Accuracy of a trained run, in the row of its cost."""

from __future__ import annotations

from pathlib import Path

from bench.cases import Case
from bench.codec import decode
from bench.measure import Measure, Timing
from bench.missing import Json
from bench.record import Quality
from bench.workbench import Workbench
from emtm.metrics.metric import R1
from emtm.training.evaluation import evaluate_run

_NOT_ON_THIS_SPLIT = "this split does not allow it"


def start(bench: Workbench, case: Case) -> Timing:
    """Evaluates once, on the test split."""
    assert case.run is not None
    run, found = case.run, list[Quality]()
    return Timing(lambda: found.append(measure(run.path, run.seed)), lambda: found)


def measure(run_dir: Path, seed: int, split: str = "test") -> Quality:
    """Metrics of the trained run on `split`, in percent.

    The evaluation's own result is kept whole; `n` and `r1_iou05` and its like stand beside it for
    readers of flat tables.
    """
    evaluation = evaluate_run(run_dir, split=split)
    # The case says itself what it is, and whose weights.
    doc: dict[str, Json] = {k: v for k, v in evaluation.to_json().items() if k not in ("format", "weights_sha256")}
    doc = {**{f"{key}_reason": _NOT_ON_THIS_SPLIT for key, value in doc.items() if value is None}, **doc}
    doc |= {metric.column: value for metric in R1 if (value := metric.of(evaluation.scores)) is not None}
    return decode(Quality, {**doc, "n": evaluation.scores.queries, "source": "measured", "seeds": [seed]})


QUALITY = Measure(
    name="quality",
    scenario="single_stream",
    fills=(Quality,),
    start=start,
    untrained="the weights are random: accuracy would mean nothing",
    order=90,
)

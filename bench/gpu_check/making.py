"""The rows of one part, asked of a worker until its time is over."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from bench.gpu_check.part import Part
from bench.gpu_check.plan import Plan
from bench.gpu_check.worker import Answer, Question
from bench.isolation.apart import Apart, LostError
from bench.missing import Block, Missing

OUT_OF_TIME = "out of time"


@dataclass
class Made:
    """What became of a part."""

    rows: list[Block] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    """Why it is not whole."""
    begun: bool = False


def make(worker: Apart, part: Part, plan: Plan, ends: float) -> Made:
    """Makes the rows of a part until its time is over."""
    made = Made()
    for item in part.items(plan):
        left = ends - time.monotonic()
        if left <= 0:
            return replace(made, reason=OUT_OF_TIME)
        made.begun = True
        try:
            row = _row(worker, Question(part.name, item), left)
        except LostError as error:
            if time.monotonic() >= ends:
                return replace(made, reason=OUT_OF_TIME)
            row = Missing(str(error))
        if isinstance(row, Missing):
            made.failed[item] = row.reason
        else:
            made.rows.append(row)
    return made


def _row(worker: Apart, question: Question, left_s: float) -> Block | Missing:
    """A row, or why the worker has none; raises LostError where there is no worker any more."""
    answer = worker.ask(question, left_s)
    assert isinstance(answer, Answer)
    if answer.spoiled:
        worker.close()
    return answer.row

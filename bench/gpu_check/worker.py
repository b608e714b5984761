"""The process that makes rows: what breaks it, or the device under it, costs one row."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.connection import Connection

import torch

from bench.gpu_check.parts import PARTS
from bench.gpu_check.plan import Plan, single_precision
from bench.missing import Block, Missing, told
from emtm.processes import serve_parent


@dataclass(frozen=True, slots=True)
class Question:
    """One row of one part."""

    part: str
    item: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The row, or why there is none."""

    row: Block | Missing
    spoiled: bool = False
    """Is this process of no use any more? An illegal access takes the device's context with it."""


def serve(line: Connection, plan: Plan) -> None:
    """Answers questions from `line`, first of all with None: that it is ready."""
    serve_parent()
    single_precision()
    line.send(None)
    while True:
        try:
            question = line.recv()
        except EOFError:
            return
        line.send(answer(plan, question))


def answer(plan: Plan, question: Question) -> Answer:
    """Makes a row; whatever it raises becomes the reason."""
    part = next(part for part in PARTS if part.name == question.part)
    try:
        return Answer(part.row(plan, question.item))
    except (Exception, SystemExit) as error:
        return Answer(Missing(told(error)), spoiled=not _usable(plan.device))


def _usable(device: str) -> bool:
    try:
        return float(torch.ones(8, device=device).sum()) == 8
    except Exception:
        return False

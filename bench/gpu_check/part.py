"""What a part of the check is: rows, one at a time, so that each fails alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.gpu_check.plan import Plan
from bench.missing import Block


@dataclass(frozen=True, slots=True)
class Part:
    """One part; its rows are made in a process that the check can lose."""

    name: str
    """Of its rows in the record, too."""
    share: float
    """Of the whole time; what is left of it goes to the parts after it."""
    items: Callable[[Plan], Sequence[str]]
    """What rows are to be made of, in order."""
    row: Callable[[Plan, str], Block]
    """Makes one; whatever it raises is the reason why there is none."""
    told: Callable[[Sequence[Block]], str]
    """What the rows show, in a clause."""


def by_model(plan: Plan) -> Sequence[str]:
    """One row a model."""
    return plan.models

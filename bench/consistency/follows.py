"""What a figure must be by others of its file, each complaint a clause."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bench.missing import Missing
from bench.record import Interval

Complaints = Iterator[str]
ROUNDING = 1e-9
"""Relative: another order of additions may change the last digits of a mean."""


def follows(name: str, stated: float | Missing | None, again: float | None) -> Complaints:
    """What the file states is what follows; what it does not state, or what cannot be known, passes."""
    if isinstance(stated, Missing) or stated is None:
        return
    if again is None:
        yield f"{name} is {stated}, and there are too few samples for it"
    elif not math.isclose(stated, again, rel_tol=ROUNDING, abs_tol=1e-15):
        yield f"{name} is {stated}, and the file's own figures give {again}"


def interval_follows(name: str, stated: Interval | Missing, again: Interval | None) -> Complaints:
    """Both ends, as `follows` has it."""
    if isinstance(stated, Missing):
        return
    for i, end in enumerate(("low end", "high end")):
        yield from follows(f"{name}'s {end}", stated[i], None if again is None else again[i])


def contains(name: str, interval: Interval | None, value: float) -> Complaints:
    """An interval holds what it is of; None passes."""
    slack = ROUNDING * abs(value)
    if interval is not None and not interval[0] - slack <= value <= interval[1] + slack:
        yield f"{name} does not contain its estimate, {value}"


def rising(where: str, numbers: Sequence[int], unit: str) -> Complaints:
    """Places of a curve, each once."""
    if numbers != sorted(set(numbers)):
        yield f"{where} is at {numbers} {unit}: they rise, each once"

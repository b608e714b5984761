"""What a process that measures is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.cases import Case
from bench.record import CaseRecord


@dataclass(frozen=True, slots=True)
class Make:
    """One measure on one case of which `record` is known so far."""

    case: Case
    record: CaseRecord
    measure: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a measure showed."""

    record: CaseRecord
    """The case with all that is known of it now."""
    samples_s: tuple[float, ...] = ()
    """Seconds of each timed call; none of a measure whose own time means nothing."""
    refused: Literal["", "left out", "failed"] = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """Some calls of a case that was measured by another process."""

    case: Case
    call_s: float
    """About the seconds of a query, as that process found them."""
    macs: int | None = None
    """Of one query, as that process counted them; None where it did not."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What they showed."""

    call_s: float
    reference_s: float
    """Of the reference product, timed in turn with them."""
    noisy: bool = False
    """Was the machine disturbed meanwhile?"""

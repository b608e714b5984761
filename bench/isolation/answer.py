"""What a process that measures says when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.record import CaseRecord


@dataclass(frozen=True, slots=True)
class Answer:
    """One measure on one case."""

    record: CaseRecord
    """The case with all that is known of it now."""
    samples_s: tuple[float, ...] = ()
    """Seconds of each timed call; none of a measure whose own time means nothing."""
    refused: Literal["", "left out", "failed"] = ""
    reason: str = ""

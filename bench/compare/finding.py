"""What is said of one figure of one case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from bench.missing import Json
from bench.verdict import Verdict

Kind = Literal["case", "exact", "timing", "accuracy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Head against base with its interval: a factor of the time, or a difference in percent points."""

    value: float
    interval: tuple[float, float] | None
    """What the samples of the two cases leave open (of a time 99 %, of an accuracy 95 %), sessions and seeds aside."""
    called_from: float | None
    """What the value must lie beyond, in its own direction, to be called a change; None where nothing would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict on one figure, or on a case as a whole."""

    case_id: str
    kind: Kind
    figure: str
    """In words: `parameters`, `MACs of fusion`, `latency`; empty for the case itself."""
    verdict: Verdict
    base: Json = None
    head: Json = None
    unit: str = ""
    change: Change | None = None
    reason: str = ""
    """Why the verdict is what it is, where the figures alone do not say."""


class Judged(Protocol):
    """Whatever ends in findings: two run files compared, or two revisions measured against each other."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """On all figures."""

    @property
    def verdict(self) -> Verdict:
        """The one that a headline names."""

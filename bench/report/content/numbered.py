"""What a model costs at several numbers of something: of queries that share a video, of the video's clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.missing import Missing
from bench.record import Interval
from bench.report.content.subject import Subject


@dataclass(frozen=True, slots=True)
class Each:
    """What one query takes, in the unit of its quantity."""

    value: float
    interval: Interval | Missing
    measured: bool
    """False for what follows from other measurements."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """One model's cost of a query, by the number."""

    subject: Subject
    each: Mapping[int, Each | Missing]

    @property
    def label(self) -> str:
        """Of the model."""
        return self.subject.label

    def known(self) -> dict[int, Each]:
        """Those that are there."""
        return {number: one for number, one in self.each.items() if not isinstance(one, Missing)}

    @property
    def last(self) -> Each:
        """Of the largest number of which it is known."""
        return list(self.known().values())[-1]

"""What a query costs in ever longer videos."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.missing import Missing, known, of
from bench.record import CaseRecord, Exponent, Growth, GrowthPoint, Interval
from bench.report.content.cases import Group, Named, by_dataset
from bench.report.content.numbered import Each, Numbered
from bench.report.content.subject import of_case

EXACT = Missing("exact")


@dataclass(frozen=True, slots=True)
class Growing:
    """One model in videos of ever more clips."""

    seconds: Numbered
    macs: Numbered
    memory: Numbered
    """Bytes of the activations."""
    growth: Growth

    @property
    def label(self) -> str:
        """Of the model."""
        return self.seconds.label

    @property
    def exponents(self) -> dict[str, Exponent | Missing]:
        """The powers of the number of clips."""
        return {"time": self.growth.time, "MACs": self.growth.macs, "memory": self.growth.memory}


def growing(cases: Iterable[CaseRecord]) -> tuple[Group[Growing], ...]:
    """The models that were followed to longer videos, by dataset."""
    groups = by_dataset(case for case in cases if not isinstance(case.growth, Missing))
    return tuple(
        Group(group.dataset, tuple(one for row in group.rows if (one := known(_growing(row))) is not None))
        for group in groups
    )


def _growing(row: Named) -> Growing | Missing:
    def numbered(growth: Growth, of_point: Callable[[GrowthPoint], float | Missing], exact: bool) -> Numbered:
        found = {point.clips: _each(of_point(point), EXACT if exact else point.ci99) for point in growth.curve}
        return Numbered(of_case(row), found)

    return of(
        row.case.growth,
        lambda growth: Growing(
            seconds=numbered(growth, lambda point: point.value, False),
            macs=numbered(growth, lambda point: point.macs, True),
            memory=numbered(growth, lambda point: _timed(point, point.activation_peak_bytes), True),
            growth=growth,
        ),
    )


def _timed(point: GrowthPoint, value: float | Missing) -> float | Missing:
    """A value that was measured beside the time; why there is none is why there is no time."""
    return point.value if isinstance(point.value, Missing) else value


def _each(value: float | Missing, interval: Interval | Missing) -> Each | Missing:
    return value if isinstance(value, Missing) else Each(value, interval, measured=True)

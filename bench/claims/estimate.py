"""A number that a claim is judged by, with its interval and where it was read."""

from __future__ import annotations

from dataclasses import dataclass

from bench.claims.evidence import Read
from bench.missing import Missing
from emtm.metrics.paired import MeanInterval


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value and the bounds that it may lie between; bounds equal to the value mean that it is exact."""

    value: float
    low: float
    high: float
    unit: str
    """`x` for a ratio, `%`, `points` for a difference of percentages, or empty for a count."""
    basis: str
    """What the interval is over, in words."""
    read: tuple[Read, ...]

    @property
    def exact(self) -> bool:
        """Is it a count, without an interval?"""
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class Part:
    """One of the things that must hold for a claim, such as one compared model; a claim may have one alone."""

    name: str
    found: Estimate | Missing


def exact(value: float, unit: str, *read: Read) -> Estimate:
    """A counted value."""
    return Estimate(value=value, low=value, high=value, unit=unit, basis="exact", read=read)


def over_seeds(difference: MeanInterval, unit: str, *read: Read, of: str = "seed") -> Estimate | Missing:
    """A mean over seeds, or whatever else `of` names, with its 95 % interval; missing where one leaves none."""
    if difference.half_width is None:
        return Missing(f"one {of} alone has no interval")
    basis = f"95 % over {difference.n} {of}s, paired"
    return Estimate(value=difference.mean, low=difference.low, high=difference.high, unit=unit, basis=basis, read=read)

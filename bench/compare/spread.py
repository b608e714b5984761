"""How far apart one and the same thing comes out when it is measured more than once in a run.

An interval from the samples of one case knows nothing of what differs between cases: where the allocator put the
weights, what the machine did in another minute. Twins show it: cases of a run that must come out alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.special import stdtrit

FAMILY_ERROR = 0.01
"""Chance that any of all changes that are called in a comparison is none."""
FEWEST = 3
"""Independent differences between twins below which a run does not tell its own spread."""
OWN_CONFIDENCE = 0.99
"""Of the intervals in run files."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Pooled variance between twins of a run."""

    variance: float
    """Of one case, in the square of the unit of the values."""
    freedom: int
    """Independent differences: one less than its members from each group of twins."""

    @property
    def deviation(self) -> float:
        """Standard deviation of one case."""
        return math.sqrt(self.variance)


def spread(groups: Iterable[Sequence[float]]) -> Spread | None:
    """Spread within groups of twins; None where they give fewer than FEWEST differences."""
    values = [np.asarray(group, np.float64) for group in groups]
    freedom = sum(len(group) - 1 for group in values if len(group) > 1)
    if freedom < FEWEST:
        return None
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in values)
    return Spread(squares / freedom, freedom)


def reach(base: Spread, head: Spread, comparisons: int) -> float:
    """How far head may come out from base by chance alone, in the unit of the values.

    Exceeded in any of so many comparisons with probability FAMILY_ERROR at most (Bonferroni), with Student's t
    at the degrees of freedom of Welch and Satterthwaite, as the variances of two sessions differ.
    """
    variance = base.variance + head.variance
    if variance == 0:
        return 0.0
    freedom = variance**2 / (base.variance**2 / base.freedom + head.variance**2 / head.freedom)
    return chance(math.sqrt(variance), freedom, comparisons)


def chance(deviation: float, freedom: float, comparisons: int) -> float:
    """How far from its mean the farthest of so many values comes out by chance, at FAMILY_ERROR (Student's t)."""
    return float(stdtrit(freedom, 1 - FAMILY_ERROR / (2 * max(1, comparisons)))) * deviation


def widening(comparisons: int, confidence: float = OWN_CONFIDENCE) -> float:
    """What the half width of an interval of this confidence is multiplied with to hold for all comparisons at once."""
    normal = NormalDist()
    one = normal.inv_cdf((1 + confidence) / 2)
    return max(1.0, normal.inv_cdf(1 - FAMILY_ERROR / (2 * max(1, comparisons))) / one)


def difference(
    base: float, base_interval: tuple[float, float], head: float, head_interval: tuple[float, float]
) -> tuple[float, float]:
    """Interval of head - base from their two intervals, which need not be symmetric (Zou and Donner, 2008)."""
    value = head - base
    down = math.hypot(head - head_interval[0], base_interval[1] - base)
    up = math.hypot(head_interval[1] - head, base - base_interval[0])
    return value - down, value + up

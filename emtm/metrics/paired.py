"""Means over seeds and paired differences, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """Mean of n values and the half width of its 95 % interval."""

    mean: float
    half_width: float | None
    """By Student's t with n - 1 degrees of freedom; None for a single value."""
    n: int

    @property
    def low(self) -> float:
        """Lower end of the interval; the mean where there is none."""
        return self.mean - (self.half_width or 0.0)

    @property
    def high(self) -> float:
        """Upper end of the interval; the mean where there is none."""
        return self.mean + (self.half_width or 0.0)

    @property
    def sign(self) -> int:
        """1 or -1 where the whole interval lies on one side of zero; 0 where it does not, or there is none."""
        if self.half_width is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)

    def to_json(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


def mean_interval(values: Sequence[float]) -> MeanInterval:
    """Mean of independent values, one a seed; ValueError when there are none."""
    if not values:
        raise ValueError("a mean needs at least one value")
    sample = np.asarray(values, np.float64)
    n = len(sample)
    if n == 1:
        return MeanInterval(float(sample[0]), None, 1)
    half = float(stdtrit(n - 1, 0.975) * sample.std(ddof=1) / np.sqrt(n))
    return MeanInterval(float(sample.mean()), half, n)


def paired_difference(values: Mapping[int, float], reference: Mapping[int, float]) -> MeanInterval | None:
    """Mean of value minus reference over the seeds both have; None when they share none."""
    shared = sorted(values.keys() & reference.keys())
    return mean_interval([values[seed] - reference[seed] for seed in shared]) if shared else None


def paired_p_value(values: Mapping[int, float], reference: Mapping[int, float]) -> float | None:
    """Two-sided p of Student's paired t-test that both have the same mean; None with fewer than two in common.

    Differences that are all alike have p 1 where they are zero and 0 elsewhere.
    """
    shared = sorted(values.keys() & reference.keys())
    n = len(shared)
    if n < 2:
        return None
    differences = np.array([values[key] - reference[key] for key in shared])
    error = differences.std(ddof=1) / np.sqrt(n)
    if error == 0:
        return float(differences[0] == 0)
    return float(2 * stdtr(n - 1, -abs(differences.mean() / error)))


def p_text(p: float) -> str:
    """A p-value as tables show it: three places, and no zero."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of a family corrected so that the chance of any false rejection keeps the level (Holm, 1979)."""
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected

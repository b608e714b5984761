"""Statistics of repeated measurements: pure functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, stdtrit

Interval = tuple[float, float]

PERCENTILE_SAMPLES = {50.0: 11, 75.0: 24, 90.0: 64, 95.0: 130, 99.0: 662, 99.9: 6636}
"""Fewest samples for which a percentile is reported (MLPerf Inference's binomial bound)."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Robust summary of samples, in the unit of the samples."""

    n: int
    median: float
    median_ci99: Interval | None
    mean: float
    iqr: float
    min: float
    max: float
    outliers: int


def summarise(samples: Sequence[float]) -> Summary:
    """Summary of at least one finite sample; raises ValueError otherwise."""
    values = _finite(samples)
    return Summary(
        n=len(values),
        median=float(np.median(values)),
        median_ci99=median_interval(values),
        mean=float(values.mean()),
        iqr=iqr(values),
        min=float(values.min()),
        max=float(values.max()),
        outliers=outliers(values),
    )


def median_interval(samples: Sequence[float] | NDArray[np.float64], confidence: float = 0.99) -> Interval | None:
    """Distribution-free confidence interval of the median from binomial order statistics.

    None when so few samples cannot reach the confidence (fewer than 8 for 99 %).
    """
    values = np.sort(_finite(samples))
    n = len(values)
    # Rank k (from 0) is the largest with P(X < k) <= alpha / 2 for X ~ Binomial(n, 1/2).
    rank = int(np.searchsorted(bdtr(np.arange(n), n, 0.5), (1 - confidence) / 2))
    if rank < 1:
        return None
    return float(values[rank - 1]), float(values[n - rank])


def geometric_mean(values: Sequence[float], confidence: float = 0.99) -> tuple[float, Interval | None]:
    """Geometric mean of positive values, and its interval by Student's t on their logarithms; None for a lone value.

    Values that agree to the last digit have an interval of no width.

    >>> mean, (low, high) = geometric_mean([1.0, 4.0], confidence=0.5)
    >>> round(mean, 6), round(low, 6), round(high, 6)
    (2.0, 1.0, 4.0)
    """
    logs = np.log(_finite(values))
    n, mean = len(logs), float(logs.mean())
    if n < 2:
        return math.exp(mean), None
    reach = float(stdtrit(n - 1, (1 + confidence) / 2)) * float(logs.std(ddof=1)) / math.sqrt(n)
    return math.exp(mean), (math.exp(mean - reach), math.exp(mean + reach))


def power(sizes: Sequence[float], values: Sequence[float], confidence: float = 0.95) -> tuple[float, Interval | None]:
    """The power of the size with which positive values grow, by least squares on logarithms; None for two sizes' line.

    The interval is Student's t on what the line leaves, with two degrees of freedom fewer than sizes.

    >>> power([1, 2, 4], [3, 12, 48])
    (2.0, (2.0, 2.0))
    """
    x, y = np.log(_finite(sizes)), np.log(_finite(values))
    x = x - x.mean()
    spread = float((x * x).sum())
    slope = float((x * y).sum()) / spread
    n = len(x)
    if n < 3:
        return slope, None
    left = y - y.mean() - slope * x
    reach = float(stdtrit(n - 2, (1 + confidence) / 2)) * math.sqrt(float((left * left).sum()) / (n - 2) / spread)
    return slope, (slope - reach, slope + reach)


def fewest_for_interval(confidence: float = 0.99) -> int:
    """Samples needed before `median_interval` can answer: 2 * 0.5**n <= 1 - confidence."""
    return math.ceil(1 - math.log2(1 - confidence))


def interval_reason(n: int, what: str = "samples") -> str:
    """Why `median_interval` answered None at 99 % confidence."""
    return f"n={n} < {fewest_for_interval()} {what} for a 99 % interval"


def iqr(samples: Sequence[float] | NDArray[np.float64]) -> float:
    """Distance between the quartiles."""
    low, high = np.percentile(_finite(samples), [25, 75])
    return float(high - low)


def outliers(samples: Sequence[float] | NDArray[np.float64]) -> int:
    """Samples beyond Tukey's fences, 1.5 interquartile ranges outside the quartiles."""
    values = _finite(samples)
    low, high = np.percentile(values, [25, 75])
    reach = 1.5 * (high - low)
    return int(((values < low - reach) | (values > high + reach)).sum())


def percentile(samples: Sequence[float], rank: float) -> float | None:
    """Percentile `rank` of `PERCENTILE_SAMPLES`, or None when there are too few samples for it."""
    values = _finite(samples)
    if len(values) < PERCENTILE_SAMPLES[rank]:
        return None
    return float(np.percentile(values, rank))


def percentile_reason(n: int, rank: float) -> str:
    """Why `percentile` answered None."""
    return f"n={n} < {PERCENTILE_SAMPLES[rank]}"


def bootstrap_ratio(
    numerator: Sequence[float],
    denominator: Sequence[float],
    *,
    confidence: float = 0.99,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, Interval]:
    """Ratio of medians of two independent groups, with its percentile-bootstrap interval."""
    top, bottom = _finite(numerator), _finite(denominator)
    if (bottom <= 0).any():
        raise ValueError("the denominator of a ratio must be positive")
    rng = np.random.default_rng(seed)
    ratios = _resampled_medians(top, resamples, rng) / _resampled_medians(bottom, resamples, rng)
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(ratios, [tail, 100 - tail])
    return float(np.median(top) / np.median(bottom)), (float(low), float(high))


def drift(samples: Sequence[float]) -> float:
    """Median of the second half over median of the first half; 1.0 for a steady series."""
    values = _finite(samples)
    half = len(values) // 2
    if half == 0:
        return 1.0
    return float(np.median(values[half:]) / np.median(values[:half]))


def _resampled_medians(values: NDArray[np.float64], resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    # A few thousand samples times 2000 resamples would be gigabytes at once, so go in blocks.
    block = max(1, 1_000_000 // len(values))
    parts = [
        np.median(values[rng.integers(0, len(values), (min(block, resamples - start), len(values)))], axis=1)
        for start in range(0, resamples, block)
    ]
    return np.concatenate(parts)


def _finite(samples: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.asarray(samples, dtype=np.float64)
    if values.size == 0 or not np.isfinite(values).all():
        raise ValueError("statistics need at least one sample, and only finite ones")
    return values

"""Where the level of a noisy series changes: Hunter's method, and how surely the place is known.

E-divisive proposes splits, Student's t keeps those with p below ten times the limit, and the weakest are then
merged away until every one left holds the limit and is large enough. After Fleming et al., "Hunter: Using Change
Point Detection to Hunt for Performance Regressions" (ICPE 2023, https://doi.org/10.1145/3578244.3583719), and
Matteson and James (https://doi.org/10.48550/arXiv.1306.4933). Two things differ. A candidate is tested against the
values up to where the divergence is greatest, not against all that follow: a regression that is repaired ten runs
later leaves the mean of what follows where it was, and would hide itself. And a level must have `SHORTEST` values,
most of which lie nearer to it than to its neighbour: two outliers in a row are no regression.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

Floats = NDArray[np.float64]

P_VALUE = 1e-5
MAGNITUDE = 0.02
"""Smallest step, relative to the lower of the two levels."""
SHORTEST = 4
"""Fewest values that make a level."""
_WINDOW = 50
"""Candidates are sought in windows of so many values, each half overlapping the next."""
_FIRST_PASS = 10.0
_HELD = 0.6
_CONFIDENCE = 0.99


@dataclass(frozen=True, slots=True)
class Shift:
    """One change of level: `values[index]` is most likely the first of the new level."""

    index: int
    earliest: int
    latest: int
    """`index` lies within these two with 99 % confidence."""
    before: float
    after: float
    """Means of the level that ends and of the level that begins, each as far as the next shift."""
    p_value: float

    @property
    def magnitude(self) -> float:
        """Size of the step relative to the lower level."""
        lower = min(abs(self.before), abs(self.after))
        return abs(self.after - self.before) / lower if lower else math.inf


def shifts(values: Sequence[float] | Floats) -> list[Shift]:
    """Shifts of a series of positive values, in order."""
    series = np.asarray(values, dtype=np.float64)
    found = _merged(series, _weak(series))
    edges = [0, *(shift.index for shift in found), len(series)]
    return [_placed(series, shift, edges[i], edges[i + 2]) for i, shift in enumerate(found)]


def compare(left: Floats, right: Floats) -> Shift:
    """The step from the values `left` to the values `right` that follow them, with Student's two-sided p."""
    n, m = len(left), len(right)
    before, after = float(left.mean()), float(right.mean())
    if n + m <= 2:
        return Shift(n, n, n, before, after, 1.0)
    # Variances with n instead of n - 1 below, as the published implementation has them.
    variance = ((n - 1) * left.var() + (m - 1) * right.var()) / (n + m - 2)
    if variance == 0:
        return Shift(n, n, n, before, after, float(before == after))
    t = abs(after - before) / math.sqrt(variance * (1 / n + 1 / m))
    return Shift(n, n, n, before, after, float(2 * stdtr(n + m - 2, -t)))


def _weak(series: Floats) -> list[int]:
    """Splits that hold ten times the limit in some window."""
    found: set[int] = set()
    start = 0
    while start < len(series):
        inside = _divided(series[start : start + _WINDOW])
        found |= {start + split for split in inside}
        start = max([start + _WINDOW // 2, *(start + split for split in inside)])
    return sorted(found)


def _divided(window: Floats) -> list[int]:
    """Splits of one window, the clearest first, until the clearest that is left is not significant."""
    distances = np.abs(window[:, None] - window[None, :])
    sums = np.pad(distances.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    splits: list[int] = []
    while True:
        candidates = [_candidate(sums, start, end) for start, end in pairwise([0, *splits, len(window)])]
        clearest = max((c for c in candidates if c is not None), key=lambda c: c.divergence, default=None)
        if clearest is None:
            return splits
        left, right = window[clearest.start : clearest.split], window[clearest.split : clearest.stop]
        if compare(left, right).p_value > P_VALUE * _FIRST_PASS:
            return splits
        splits = sorted([*splits, clearest.split])


@dataclass(frozen=True, slots=True)
class _Candidate:
    """`[start, split)` differs from `[split, stop)`."""

    divergence: float
    start: int
    split: int
    stop: int


def _candidate(sums: Floats, start: int, end: int) -> _Candidate | None:
    """The split and the stop in `[start, end)` with the greatest energy divergence; None where too little is there.

    `sums[i, j]` is the sum of the distances of the first i to the first j values.
    """
    if end - start < 2 * SHORTEST:
        return None
    split = np.arange(start + SHORTEST, end - SHORTEST + 1)[:, None]
    stop = np.arange(start + 2 * SHORTEST, end + 1)[None, :]
    left, right, whole = _within(sums, start, split), _within(sums, split, stop), _within(sums, start, stop)
    n, m = split - start, stop - split
    # Ordered pairs are counted, so each sum within a side is twice that of its pairs.
    inside = m * left / np.maximum(n - 1, 1) + n * right / np.maximum(m - 1, 1)
    divergence = np.where(m >= SHORTEST, (whole - left - right - inside) / (n + m), -np.inf)
    row, column = np.unravel_index(int(divergence.argmax()), divergence.shape)
    return _Candidate(float(divergence[row, column]), start, int(split[row, 0]), int(stop[0, column]))


def _within(sums: Floats, start: int | NDArray[np.int_], end: int | NDArray[np.int_]) -> Floats:
    """Sum of the distances of all ordered pairs of values in `[start, end)`."""
    block: Floats = sums[end, end] - 2 * sums[start, end] + sums[start, start]
    return block


def _merged(series: Floats, splits: list[int]) -> list[Shift]:
    """The splits left when the weakest is taken away until all hold the limits."""
    while splits:
        edges = [0, *splits, len(series)]
        sides = [
            (series[start:split], series[split:end])
            for start, split, end in zip(edges, splits, edges[2:], strict=False)
        ]
        found = [replace(compare(*both), index=split) for both, split in zip(sides, splits, strict=True)]
        weakest = _weakest(found, [_held(shift, *both) for shift, both in zip(found, sides, strict=True)])
        if weakest is None:
            return found
        splits = [split for split in splits if split != weakest.index]
    return []


def _weakest(found: Sequence[Shift], held: Sequence[float]) -> Shift | None:
    """The shift that breaks a limit most, the limits in their order; None where all are held."""
    unlikely = max(found, key=lambda shift: shift.p_value)
    if unlikely.p_value >= P_VALUE:
        return unlikely
    if min(held) < _HELD:
        return found[held.index(min(held))]
    small = min(found, key=lambda shift: shift.magnitude)
    return small if small.magnitude <= MAGNITUDE else None


def _held(shift: Shift, left: Floats, right: Floats) -> float:
    """Share of the values that lie on their level's side of the middle, on the side where it is smaller."""
    middle, sign = (shift.before + shift.after) / 2, 1 if shift.after > shift.before else -1
    return float(min((sign * left < sign * middle).mean(), (sign * right > sign * middle).mean()))


def _placed(series: Floats, shift: Shift, start: int, end: int) -> Shift:
    """The shift with the places that the values between its neighbours do not exclude.

    A likelihood ratio against the best place, whose limit distribution is (1 - exp(-x / 2))^2; Hansen, "Sample
    splitting and threshold estimation" (Econometrica 2000, https://doi.org/10.1111/1468-0262.00124).
    """
    values = series[start:end] - shift.before
    count = np.arange(1, len(values))
    total, left = values.sum(), values.cumsum()[:-1]
    residual = (values**2).sum() - left**2 / count - (total - left) ** 2 / (len(values) - count)
    # Never quite zero, or a clean step would divide by it.
    residual = np.maximum(residual, 1e-12 * residual.max())
    limit = -2 * math.log(1 - math.sqrt(_CONFIDENCE))
    possible = start + 1 + np.flatnonzero(len(values) * np.log(residual / residual.min()) <= limit)
    earliest, latest = min(int(possible[0]), shift.index), max(int(possible[-1]), shift.index)
    return replace(shift, earliest=earliest, latest=latest)

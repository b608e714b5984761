"""When a time that came out differently is called slower or faster, and when it is called the same.

Two sessions differ although the code is one. All cases move together, because the machine does something else to a
whole model than to a plain product; two sessions of one code that stand in reports/reference are up to 17 % apart
(`train-step.json`, `train-step-earlier.json`), and nothing within one session shows it. And every case moves a
little by itself. How much, twins within each run tell, and so does the scatter of all cases around what they have
in common, which sees what changes over minutes; the larger of the two counts. So a case is called

* when it differs by more than all of this together could explain, or
* when it differs from what all cases have in common by more than single cases do, and is itself changed that way.

It is the same when it differs by no more than sessions do, and from the others by no more than single cases do.
Everything else cannot be told. A change of all cases together is told apart from the machine's state only by
running both in turn (`ab`). Between two machines it is the machines', so only the second rule holds there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from bench.compare.finding import Change
from bench.compare.spread import Spread, chance, reach, widening
from bench.record import Interval
from bench.verdict import Verdict

SESSIONS = math.log(1.2)
"""Logarithm of what sessions of one code may differ by where a run does not show it: more than was ever seen."""
MACHINES = math.log(1.5)
"""The same between two machines, against what all cases have in common: caches and vector units differ, and how
much a model lives on either."""
FEWEST_CASES = 5
"""Fewer cases have nothing in common that a median could tell."""
FEWEST_SCATTERED = 20
"""The same for how they scatter."""
_EFFICIENCY = 0.37
"""Of the median deviation: it is as good as the standard deviation of this share of the values."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What two sessions can tell apart for one kind of time; changes are logarithms of head over base."""

    figure: str
    cases: int
    comparisons: int
    """Of all kinds of time together: the more there are, the farther one comes out by chance."""
    base: Spread | None
    """Between twins of the base; None where there are too few of them."""
    head: Spread | None
    shared: float | None
    """Median change of all cases; None where there are fewer than FEWEST_CASES."""

    scatter: float | None
    """Standard deviation of most cases around it; None where there are fewer than FEWEST_SCATTERED."""
    across_machines: bool = False

    @property
    def between(self) -> float:
        """How far all cases may move together by chance."""
        return MACHINES if self.across_machines else SESSIONS

    @property
    def single(self) -> float:
        """How far one case may move against the others by chance."""
        twins = None if self.base is None or self.head is None else reach(self.base, self.head, self.comparisons)
        scatter = (
            None if self.scatter is None else chance(self.scatter, _EFFICIENCY * (self.cases - 1), self.comparisons)
        )
        if twins is None or scatter is None or self.across_machines:
            return max(twins or 0.0, scatter or 0.0, self.between)
        # What all cases have in common is not known exactly either.
        return max(twins, scatter) * math.sqrt(1 + math.pi / (2 * self.cases))

    @property
    def outright(self) -> float:
        """How far one case may move by chance, whatever the others did."""
        if self.across_machines and self.shared is not None:
            return math.inf
        return self.between if self.single == self.between else math.hypot(self.single, self.between)

    @property
    def told(self) -> float:
        """The smallest change of a case without a spread of its own that would be called."""
        return self.outright if self.shared is None else self.single


def common(changes: Sequence[float]) -> float | None:
    """What many changes have in common: their median; None for fewer than FEWEST_CASES."""
    return float(np.median(changes)) if len(changes) >= FEWEST_CASES else None


def scatter(changes: Sequence[float]) -> float | None:
    """Standard deviation of most changes around their median, from the median deviation, which a few that are real
    do not move; None for fewer than FEWEST_SCATTERED."""
    if len(changes) < FEWEST_SCATTERED:
        return None
    values = np.asarray(changes)
    return float(np.median(np.abs(values - np.median(values))) / NormalDist().inv_cdf(0.75))


def judge(change: float, interval: Interval | None, can: Resolution, min_effect: float) -> tuple[Verdict, Change]:
    """Verdict on a change, the logarithm of head over base, with its 99 % interval from the samples.

    `min_effect` is a logarithm too: less than that is never called, and never keeps two from being the same.
    """
    low, high = interval or (change, change)
    limit = _limit(change, max(change - low, high - change), can, min_effect)
    told = Change(
        value=math.exp(change),
        interval=None if interval is None else (math.exp(low), math.exp(high)),
        called_from=math.exp(math.copysign(limit, change)),
    )
    if abs(change) > limit:
        return (Verdict.SLOWER if change > 0 else Verdict.FASTER), told
    if interval is None and (can.base is None or can.head is None):
        return Verdict.INCONCLUSIVE, told
    return (Verdict.SAME if _within(low, high, can, min_effect) else Verdict.INCONCLUSIVE), told


def _limit(change: float, half_width: float, can: Resolution, min_effect: float) -> float:
    """What a change in this direction must exceed.

    The wider side of the interval counts on both: where a median jumps between two values, the narrow side only
    says that it has not jumped yet.
    """
    own = widening(can.comparisons) * half_width
    outright = max(min_effect, math.hypot(own, can.outright))
    if can.shared is None:
        return outright
    others = math.copysign(can.shared, change * can.shared)
    return min(outright, max(min_effect, own, others + math.hypot(own, can.single)))


def _within(low: float, high: float, can: Resolution, min_effect: float) -> bool:
    """Is the whole interval no more than sessions differ by, and no further from the others than single cases are?"""
    between = max(min_effect, can.between)
    if can.shared is None:
        return -between <= low and high <= between
    single = max(min_effect, min(can.single, can.between))
    common = 0.0 if not can.across_machines else can.shared
    return (
        -between <= low - common
        and high - common <= between
        and -single <= low - can.shared
        and high - can.shared <= single
    )

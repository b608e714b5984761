"""When enough has been measured, and what it says: pure functions of log ratios.

The unit is a **round**: a fresh process of each revision, timed in turn. Pairs inside a round share their
processes (address layout, allocator, hash seed), so they are no independent evidence of how the revisions
differ; a round gives one number, the median of its pairs, and intervals come from the spread of rounds
(Student's t). A bootstrap over so few rounds would be too narrow.

Two error rates are kept, however often one looks:

* `alpha`, over the whole family of cases: the chance that any difference is announced where there is none.
  It is spent evenly over the planned looks (a union bound, valid whatever the looks have in common), and
  Holm's procedure shares it among the cases.
* `beta`, of each case: the chance that a difference of the minimum effect is called "the same" (two
  one-sided tests, spent over the looks likewise).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from bench.verdict import Verdict
from emtm.metrics.paired import holm as corrected

FEWEST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """How sure an answer must be, and when it is looked for."""

    min_effect: float = 0.02
    """Relative difference below which nobody cares."""
    alpha: float = 0.01
    beta: float = 0.05
    max_rounds: int = 23

    def __post_init__(self) -> None:
        if not 0 < self.min_effect < 1:
            raise ValueError(f"the minimum effect is between 0 and 1, not {self.min_effect}")
        if self.max_rounds < FEWEST_ROUNDS:
            raise ValueError(f"fewer than {FEWEST_ROUNDS} rounds decide nothing, {self.max_rounds} were planned")

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of rounds after which the plan looks: each about 1.4 times the last, the last one exactly."""
        found, rounds = [], float(FEWEST_ROUNDS)
        while round(rounds) < self.max_rounds:
            found.append(round(rounds))
            rounds *= math.sqrt(2)
        return (*found, self.max_rounds)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Head over base of one case so far; ratios above 1 are slower."""

    rounds: int
    ratio: float
    low: float
    high: float
    """Interval of the case alone at the level of this look (1 - `alpha` over all looks)."""
    p: float
    """That there is no difference, valid at every look so far: the least of looks x p-value at a look."""
    same: bool
    """Is the interval of the equivalence test within the minimum effect?"""
    resolution: float
    """Half the width of the interval, relative: the least difference that these rounds tell."""


def estimate(logs: Sequence[float], plan: Plan, earlier_p: float = 1.0) -> Estimate:
    """What the medians of rounds (log head / base) say at this look.

    `earlier_p` is the `p` of the last look. Raises ValueError for fewer than two rounds.
    """
    values = np.asarray(logs, np.float64)
    if len(values) < 2 or not np.isfinite(values).all():
        raise ValueError("an estimate needs at least two rounds of finite ratios")
    looks, degrees = len(plan.looks), len(values) - 1
    centre = float(values.mean())
    # Rounds that agree to the last digit would claim a certainty that no clock has.
    error = max(float(values.std(ddof=1)), 1e-6) / math.sqrt(len(values))
    reach = float(-stdtrit(degrees, plan.alpha / looks / 2)) * error
    equivalence = float(-stdtrit(degrees, plan.beta / looks)) * error
    bound = math.log1p(plan.min_effect)
    return Estimate(
        rounds=len(values),
        ratio=math.exp(centre),
        low=math.exp(centre - reach),
        high=math.exp(centre + reach),
        p=min(earlier_p, 1.0, looks * 2 * float(stdtr(degrees, -abs(centre) / error))),
        same=abs(centre) + equivalence < bound,
        resolution=math.expm1(reach),
    )


def holm(p: Mapping[str, float], alpha: float) -> frozenset[str]:
    """Names whose hypothesis falls when the family's error is at most `alpha` (Holm 1979).

    >>> sorted(holm({"a": 0.001, "b": 0.004, "c": 0.2}, 0.01))
    ['a', 'b']
    """
    return frozenset(name for name, least in zip(p, corrected(tuple(p.values())), strict=True) if least <= alpha)


def verdicts(estimates: Mapping[str, Estimate], plan: Plan) -> dict[str, Verdict]:
    """SLOWER, FASTER, SAME or INCONCLUSIVE for every case of a family.

    A difference counts when it is certain for the family and its estimate is more than the minimum effect.
    """
    certain = holm({name: found.p for name, found in estimates.items()}, plan.alpha)
    return {name: _verdict(found, name in certain, plan.min_effect) for name, found in estimates.items()}


def _verdict(found: Estimate, certain: bool, min_effect: float) -> Verdict:
    if certain and found.ratio > 1 + min_effect:
        return Verdict.SLOWER
    if certain and found.ratio < 1 / (1 + min_effect):
        return Verdict.FASTER
    return Verdict.SAME if found.same else Verdict.INCONCLUSIVE

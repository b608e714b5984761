"""Pairs of calls, timed in turn, until their median is known well enough for a round.

A block is base, arms, arms, base (or any other order, and back again), so that what changes the machine's speed
slowly falls on all alike. Another round tells more than more pairs of the same processes, but starting processes costs
too: a round is timed for about as long as it took to start, or until its median is known well enough.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence

import numpy as np

Call = Callable[[], float]
"""Makes a call, and gives its seconds."""

ENOUGH = 0.003
"""Standard error of the median log ratio at which a round ends."""
PAIRS = (24, 1000)
"""Fewest and most in a round; even numbers, since a block holds two."""


def log_ratios(
    base: Call, arms: Sequence[Call], lot: random.Random, allowance_s: float, pairs: tuple[int, int] = PAIRS
) -> list[list[float]]:
    """Logarithms of arm / base of every pair, for each of the arms; nothing is timed where there are none.

    `allowance_s` is what the pairs may take, beyond the fewest; `pairs` are the fewest and the most of them.
    """
    logs: list[list[float]] = [[] for _ in arms]
    ends = time.monotonic() + allowance_s
    while arms and not _enough(logs, ends, pairs):
        order = [None, *range(len(arms))]
        lot.shuffle(order)
        calls = [(who, base() if who is None else arms[who]()) for who in (*order, *reversed(order))]
        for half in (dict(calls[: len(order)]), dict(calls[len(order) :])):
            for i, found in enumerate(logs):
                found.append(math.log(half[i] / half[None]))
    return logs


def _enough(logs: Sequence[Sequence[float]], ends: float, pairs: tuple[int, int]) -> bool:
    fewest, most = pairs
    made = len(logs[0])
    if made < fewest:
        return False
    return made >= most or time.monotonic() >= ends or all(error_of_median(found) <= ENOUGH for found in logs)


def error_of_median(values: Sequence[float]) -> float:
    """Standard error of the median of normal values with some outliers: sqrt(pi / 2 n) sigma, and sigma by the MAD.

    >>> round(error_of_median([-1.0, 0.0, 1.0]), 3)
    1.073
    """
    sample = np.asarray(values, np.float64)
    sigma = 1.4826 * float(np.median(np.abs(sample - np.median(sample))))
    return math.sqrt(math.pi / 2) * sigma / math.sqrt(len(sample))

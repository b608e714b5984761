"""Pairs until their median is known, on clocks that are made up."""

import random
from collections.abc import Callable
from statistics import median

import pytest

from bench.ab.pairs import ENOUGH, PAIRS, error_of_median, log_ratios


def noisy(seconds: float, noise: float, seed: int) -> Callable[[], float]:
    lot = random.Random(seed)
    return lambda: seconds * lot.lognormvariate(0, noise)


def test_without_noise_the_fewest_pairs_tell_all() -> None:
    fast, slow = log_ratios(lambda: 1.0, [lambda: 0.5, lambda: 2.0], random.Random(0), 60.0)
    assert fast == pytest.approx([-0.6931471805599453] * PAIRS[0])
    assert slow == pytest.approx([0.6931471805599453] * PAIRS[0])


def test_more_noise_takes_more_pairs_and_all_arms_have_the_same_number() -> None:
    counts = []
    for noise in (0.002, 0.01, 0.03):
        logs = log_ratios(noisy(1.0, noise, 1), [noisy(1.0, noise, 2), noisy(1.05, noise, 3)], random.Random(0), 60.0)
        assert len(logs[0]) == len(logs[1])
        assert all(error_of_median(values) <= ENOUGH for values in logs) or len(logs[0]) == PAIRS[1]
        assert median(logs[1]) == pytest.approx(0.0488, abs=4 * ENOUGH)
        counts.append(len(logs[0]))
    assert counts == sorted(counts) and counts[0] < counts[1] < counts[2]


def test_hopeless_noise_ends_with_the_most_pairs() -> None:
    (logs,) = log_ratios(noisy(1.0, 1.0, 1), [noisy(1.0, 1.0, 2)], random.Random(0), 60.0)
    assert len(logs) == PAIRS[1]


def test_pairs_beyond_the_fewest_end_with_the_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("bench.ab.pairs.time.monotonic", lambda: float(next(clock)))
    (logs,) = log_ratios(noisy(1.0, 1.0, 1), [noisy(1.0, 1.0, 2)], random.Random(0), 20.0)
    assert PAIRS[0] < len(logs) < PAIRS[1]


def test_drift_falls_on_both_sides_of_a_block_alike() -> None:
    now = iter(range(10_000))

    def drifting() -> float:
        return 1.0 + 1e-4 * next(now)

    (logs,) = log_ratios(drifting, [drifting], random.Random(0), 60.0)
    assert sum(logs) == pytest.approx(0, abs=1e-6 * len(logs))


def test_nothing_is_timed_for_no_arm() -> None:
    assert log_ratios(lambda: pytest.fail("timed"), [], random.Random(0), 60.0) == []


def test_error_of_the_median_is_that_of_many_medians() -> None:
    lot = random.Random(0)
    samples = [[lot.gauss(0, 1) for _ in range(25)] for _ in range(2000)]
    spread = sum(median(sample) ** 2 for sample in samples) / len(samples)
    claimed = sum(error_of_median(sample) for sample in samples) / len(samples)
    assert claimed == pytest.approx(spread**0.5, rel=0.1)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import stats

SAMPLES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=200)


@given(SAMPLES)
def test_summary_is_ordered(samples: list[float]) -> None:
    found = stats.summarise(samples)
    assert found.min <= found.median <= found.max
    assert found.iqr >= 0
    assert 0 <= found.outliers <= found.n == len(samples)
    if found.median_ci99 is not None:
        assert found.min <= found.median_ci99[0] <= found.median <= found.median_ci99[1] <= found.max


@given(SAMPLES)
def test_an_interval_needs_eight_samples(samples: list[float]) -> None:
    assert (stats.median_interval(samples) is None) == (len(samples) < stats.fewest_for_interval() == 8)


@given(SAMPLES, st.sampled_from(sorted(stats.PERCENTILE_SAMPLES)))
def test_percentiles_are_gated(samples: list[float], rank: float) -> None:
    found = stats.percentile(samples, rank)
    assert (found is None) == (len(samples) < stats.PERCENTILE_SAMPLES[rank])


@given(SAMPLES, st.floats(0.1, 10))
def test_ratio_scales(samples: list[float], factor: float) -> None:
    ratio, (low, high) = stats.bootstrap_ratio([factor * s for s in samples], samples, resamples=50)
    assert ratio == pytest.approx(factor)
    assert low <= high


@pytest.mark.parametrize("bad", [[], [float("nan")], [float("inf")]])
def test_only_finite_samples(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        stats.summarise(bad)


def test_a_ratio_needs_a_positive_denominator() -> None:
    with pytest.raises(ValueError, match="positive"):
        stats.bootstrap_ratio([1.0], [0.0])


@pytest.mark.parametrize("n", [8, 30, 100])
def test_the_interval_covers_the_median(n: int) -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        interval = stats.median_interval(rng.exponential(size=n))
        assert interval is not None
        covered += interval[0] <= np.log(2) <= interval[1]
    assert covered >= 390


def test_known_interval() -> None:
    # n = 10: P(X < 1) = 0.001 and P(X < 2) = 0.011, so the extremes are the 99 % interval.
    assert stats.median_interval(range(10)) == (0, 9)
    assert stats.median_interval(range(20)) == (3, 16)


def test_outliers_and_drift() -> None:
    assert stats.outliers([1.0] * 20 + [9.0]) == 1
    assert stats.drift([1.0, 1.0, 2.0, 2.0]) == 2
    assert stats.drift([1.0]) == 1


def test_a_bootstrap_of_many_samples_is_computed_in_blocks() -> None:
    samples = list(np.linspace(1, 2, 7001))
    ratio, (low, high) = stats.bootstrap_ratio(samples, samples, resamples=300)
    assert low < ratio == 1 < high

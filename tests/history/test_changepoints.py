"""The detection on series whose changes are known, and its rates on simulated noise."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind_from_stats

from bench.history.changepoints import SHORTEST, Floats, compare, shifts
from bench.history.changepoints import _candidate as candidate
from tests.history import rates

GAUSS = rates.NOISES["gauss, 1 %"]
HEAVY = rates.NOISES["heavy tail, 2 %"]


def noisy(levels: Sequence[float], lengths: Sequence[int], seed: int = 0, spread: float = 0.01) -> Floats:
    return np.repeat(levels, lengths) * (1 + np.random.default_rng(seed).normal(0, spread, sum(lengths)))


def test_a_clean_step_is_found_where_it_is() -> None:
    (shift,) = shifts([2.0] * 10 + [3.0] * 10)
    assert (shift.index, shift.earliest, shift.latest) == (10, 10, 10)
    assert (shift.before, shift.after, shift.p_value) == (2.0, 3.0, 0.0)
    assert shift.magnitude == pytest.approx(0.5)


@pytest.mark.parametrize("series", [[], [1.0], [1.0] * 50, [1.0, 2.0], [1.0] * 3 + [2.0] * 3])
def test_too_little_or_nothing_to_see(series: list[float]) -> None:
    assert shifts(series) == []


def test_steps_below_two_percent_are_no_change() -> None:
    assert shifts([1.0] * 30 + [1.019] * 30) == []
    assert len(shifts([1.0] * 30 + [1.021] * 30)) == 1


def test_steps_down_are_found_like_steps_up() -> None:
    up, down = shifts(noisy([1, 1.05], [30, 30])), shifts(noisy([1.05, 1], [30, 30]))
    assert [s.index for s in up] == [s.index for s in down] == [30]


def test_outliers_in_a_row_are_no_level() -> None:
    series = np.ones(60)
    series[30:32] = 2
    assert shifts(series + 0.001 * np.sin(np.arange(60))) == []


def test_a_regression_that_is_repaired_does_not_hide_itself() -> None:
    found = shifts(noisy([1, 1.05, 1], [20, 12, 20]))
    assert [abs(shift.index - at) <= 1 for shift, at in zip(found, (20, 32), strict=True)] == [True, True]


def test_many_levels_in_a_series_longer_than_a_window() -> None:
    lengths = [40, 60, 30, 70, 50]
    found = [shift.index for shift in shifts(noisy([1, 1.05, 0.98, 1.04, 1.1], lengths))]
    assert np.abs(np.array(found) - np.cumsum(lengths)[:-1]).max() <= 2


@given(st.integers(0, 1000), st.floats(1e-6, 1e6))
def test_the_unit_does_not_matter(seed: int, scale: float) -> None:
    series = noisy([1, 1.06], [25, 25], seed, 0.02)
    assert [s.index for s in shifts(series)] == [s.index for s in shifts(series * scale)]


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=6), st.lists(st.floats(0.1, 10), min_size=2, max_size=6))
def test_p_is_that_of_students_test(left: list[float], right: list[float]) -> None:
    ours = compare(np.array(left), np.array(right)).p_value
    if np.var(left) + np.var(right) > 1e-9:
        theirs = ttest_ind_from_stats(np.mean(left), np.std(left), len(left), np.mean(right), np.std(right), len(right))
        assert ours == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)


@given(st.lists(st.floats(0.1, 10), min_size=2 * SHORTEST, max_size=3 * SHORTEST))
def test_a_candidate_has_the_greatest_divergence(values: list[float]) -> None:
    """The definition of Matteson and James, pair by pair."""

    def divergence(split: int, stop: int) -> float:
        x, y = values[:split], values[split:stop]
        n, m = len(x), len(y)
        between = 2 / (n * m) * sum(abs(a - b) for a, b in product(x, y))
        within = [sum(abs(a - b) for a, b in combinations(z, 2)) / (len(z) * (len(z) - 1) / 2) for z in (x, y)]
        return n * m / (n + m) * (between - sum(within))

    series = np.array(values)
    sums = np.pad(np.abs(series[:, None] - series).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    found = candidate(sums, 0, len(values))
    places = [
        (split, stop)
        for split in range(SHORTEST, len(values) - SHORTEST + 1)
        for stop in range(split + SHORTEST, len(values) + 1)
    ]
    assert found is not None
    assert found.divergence == pytest.approx(max(divergence(*place) for place in places), abs=1e-6)
    assert divergence(found.split, found.stop) == pytest.approx(found.divergence, abs=1e-6)


@pytest.mark.parametrize("noise", [GAUSS, HEAVY], ids=["gauss", "heavy tail"])
def test_flat_series_of_200_points_raise_alarms_in_fewer_than_one_of_twenty(noise: rates.Noise) -> None:
    assert rates.false_alarms(noise) <= 1 / 20


@pytest.mark.slow
def test_the_documentation_has_these_rates() -> None:
    text = (Path(__file__).parents[2] / "docs" / "history.md").read_text("utf-8")
    assert rates.table() in text


def test_a_step_of_five_percent_is_found_within_five_runs() -> None:
    assert rates.delay(GAUSS, 0.05) <= 5
    assert rates.found(GAUSS, 0.05) == 1.0


def test_the_place_lies_in_the_range_that_is_given() -> None:
    for noise in (GAUSS, HEAVY):
        assert rates.covered(noise, 0.05) >= 0.96


def test_a_small_step_in_much_noise_has_a_wide_range() -> None:
    (sure,) = shifts(noisy([1, 1.1], [50, 50]))
    unsure = shifts(noisy([1, 1.03], [50, 50], seed=1, spread=0.02))
    assert sure.earliest == sure.latest == 50
    assert unsure and unsure[0].latest - unsure[0].earliest >= 3

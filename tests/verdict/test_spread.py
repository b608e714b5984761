"""The statistics behind verdicts, against figures computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, t

from bench.compare.spread import FAMILY_ERROR, Spread, chance, difference, reach, spread, widening


def test_spread_pools_the_groups_by_their_differences() -> None:
    # Squares about the means: 2 * 0.01**2 and 0.02**2 + 0 + 0.02**2; one and two degrees of freedom.
    found = spread([[0.49, 0.51], [1.0, 1.02, 1.04]])
    assert found is not None
    assert found.freedom == 3
    assert found.variance == pytest.approx((2 * 0.01**2 + 2 * 0.02**2) / 3)
    assert found.deviation == pytest.approx(math.sqrt(found.variance))


def test_too_few_twins_tell_no_spread() -> None:
    assert spread([]) is None
    assert spread([[1.0], [2.0]]) is None
    assert spread([[1.0, 1.1], [2.0, 2.1]]) is None


def test_reach_of_equal_spreads_is_students_with_both_freedoms() -> None:
    one = Spread(variance=0.02**2, freedom=5)
    assert reach(one, one, 1) == pytest.approx(t.ppf(1 - FAMILY_ERROR / 2, 10) * 0.02 * math.sqrt(2))
    assert reach(one, one, 40) > reach(one, one, 1)
    assert reach(Spread(0.0, 9), Spread(0.0, 9), 5) == 0.0


def test_reach_keeps_its_error_rate() -> None:
    rng = np.random.default_rng(0)
    trials, comparisons, exceeded = 2000, 10, 0
    for _ in range(trials):
        base, head = (spread(rng.normal(0, 0.03, (6, 2)).tolist()) for _ in range(2))
        assert base is not None and head is not None
        changes = rng.normal(0, 0.03, comparisons) - rng.normal(0, 0.03, comparisons)
        exceeded += bool((np.abs(changes) > reach(base, head, comparisons)).any())
    assert exceeded / trials < 2 * FAMILY_ERROR


def test_chance_of_a_known_deviation_is_students() -> None:
    assert chance(0.5, 7, 3) == pytest.approx(0.5 * t.ppf(1 - 0.01 / 6, 7))


def test_widening_is_one_for_a_single_comparison_and_grows() -> None:
    assert widening(1) == pytest.approx(1.0)
    assert widening(50) == pytest.approx(norm.ppf(1 - 0.01 / 100) / norm.ppf(0.995))
    assert widening(1, 0.95) == pytest.approx(norm.ppf(0.995) / norm.ppf(0.975))


def test_difference_adds_half_widths_in_squares_and_keeps_their_sides() -> None:
    low, high = difference(1.0, (0.9, 1.4), 2.0, (1.7, 2.1))
    assert low == pytest.approx(1.0 - math.hypot(0.3, 0.4))
    assert high == pytest.approx(1.0 + math.hypot(0.1, 0.1))


def test_difference_is_mirrored_when_base_and_head_are_exchanged() -> None:
    low, high = difference(1.0, (0.9, 1.4), 2.0, (1.7, 2.1))
    assert difference(2.0, (1.7, 2.1), 1.0, (0.9, 1.4)) == pytest.approx((-high, -low))

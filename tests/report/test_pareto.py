from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.content.pareto import Interval, Point, Standing, dominates, front, standings, surely_dominates

VALUES = st.integers(0, 6).map(float)
MARGINS = st.integers(0, 3).map(float)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    value = draw(VALUES)
    return Interval(value - draw(MARGINS), value, value + draw(MARGINS))


POINTS = st.lists(st.builds(Point, intervals(), intervals()), min_size=1, max_size=12)


def exact(cost: float, gain: float) -> Point:
    return Point(Interval(cost, cost, cost), Interval(gain, gain, gain))


def test_cheaper_and_better_dominates() -> None:
    assert dominates(exact(1, 5), exact(2, 4))
    assert not dominates(exact(1, 3), exact(2, 4))


def test_a_tie_in_one_axis_is_decided_by_the_other() -> None:
    assert dominates(exact(1, 5), exact(1, 4))
    assert dominates(exact(1, 5), exact(2, 5))


def test_equal_points_share_the_front() -> None:
    assert front([exact(1, 5), exact(1, 5)]) == [True, True]


def test_behind_the_front_within_the_intervals() -> None:
    good = Point(Interval(1, 1, 1), Interval(48, 50, 52))
    close = Point(Interval(2, 2, 2), Interval(47, 49, 51))
    poor = Point(Interval(2, 2, 2), Interval(38, 40, 42))
    assert standings([good, close, poor]) == [Standing.FRONT, Standing.CONTENDER, Standing.DOMINATED]


def test_an_interval_holds_its_value() -> None:
    with pytest.raises(ValueError, match="not between"):
        Interval(2, 1, 3)


@given(POINTS)
def test_somebody_is_on_the_front_and_nobody_there_dominates_another(points: list[Point]) -> None:
    on_front = [p for p, there in zip(points, front(points), strict=True) if there]
    assert on_front
    assert not any(dominates(a, b) for a in on_front for b in on_front)


@given(POINTS)
def test_who_is_behind_is_dominated_from_the_front(points: list[Point]) -> None:
    flags = front(points)
    on_front = [p for p, there in zip(points, flags, strict=True) if there]
    behind = [p for p, there in zip(points, flags, strict=True) if not there]
    assert all(any(dominates(a, b) for a in on_front) for b in behind)


@given(POINTS, st.randoms(use_true_random=False))
def test_order_does_not_matter(points: list[Point], random: Random) -> None:
    places = list(range(len(points)))
    random.shuffle(places)
    assert standings([points[i] for i in places]) == [standings(points)[i] for i in places]


@given(POINTS)
def test_sure_dominance_is_dominance(points: list[Point]) -> None:
    assert all(dominates(a, b) for a in points for b in points if surely_dominates(a, b))


@given(POINTS)
def test_without_intervals_nobody_is_in_doubt(points: list[Point]) -> None:
    sharp = [exact(p.cost.value, p.gain.value) for p in points]
    assert Standing.CONTENDER not in standings(sharp)


@given(POINTS, MARGINS)
def test_wider_intervals_never_dominate_more(points: list[Point], margin: float) -> None:
    def wider(i: Interval) -> Interval:
        return Interval(i.low - margin, i.value, i.high + margin)

    before = standings(points)
    after = standings([Point(wider(p.cost), wider(p.gain)) for p in points])
    assert all(b is Standing.DOMINATED for b, a in zip(before, after, strict=True) if a is Standing.DOMINATED)

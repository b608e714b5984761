"""Which points are worth considering: Pareto dominance of (cost, gain), with intervals.

A lower cost and a higher gain are better. All functions are pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the bounds it may lie between; bounds equal to the value mean exact."""

    low: float
    value: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} is not between {self.low} and {self.high}")


@dataclass(frozen=True, slots=True)
class Point:
    """What one model costs and what it gains."""

    cost: Interval
    gain: Interval


class Standing(Enum):
    """Where a point stands among the others."""

    FRONT = "on the front"
    CONTENDER = "behind the front, within the intervals"
    DOMINATED = "dominated"
    NOISY = "timed while the machine was noisy: in no front"


def dominates(a: Point, b: Point) -> bool:
    """`a` is at least as good in both and better in one; equal points do not dominate each other."""
    return _beats(a.cost.value, b.cost.value, a.gain.value, b.gain.value)


def surely_dominates(a: Point, b: Point) -> bool:
    """`a` at its worst dominates `b` at its best."""
    return _beats(a.cost.high, b.cost.low, a.gain.low, b.gain.high)


def _beats(cost_a: float, cost_b: float, gain_a: float, gain_b: float) -> bool:
    return cost_a <= cost_b and gain_a >= gain_b and (cost_a < cost_b or gain_a > gain_b)


def front(points: Sequence[Point]) -> list[bool]:
    """For each point: does no other point dominate it?"""
    return [not any(dominates(other, point) for other in points) for point in points]


def standings(points: Sequence[Point]) -> list[Standing]:
    """For each point: on the front, behind it but not separable from it, or surely dominated."""
    return [_standing(point, on_front, points) for point, on_front in zip(points, front(points), strict=True)]


def _standing(point: Point, on_front: bool, points: Sequence[Point]) -> Standing:
    if on_front:
        return Standing.FRONT
    if any(surely_dominates(other, point) for other in points):
        return Standing.DOMINATED
    return Standing.CONTENDER

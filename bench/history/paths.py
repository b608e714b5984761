"""Series as the data of SVG paths, in whole numbers: small, and exact enough to be read back.

One run is two units wide; the axis of values has `GRID` units, from its top down.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.history.changes import Stretch
from bench.history.series import Outcome, Point

GRID = 2000
_NARROWEST = 0.08
"""Least extent of the axis relative to its values, lest noise of a thousandth look like an earthquake."""
_MARGIN = 0.06


@dataclass(frozen=True, slots=True)
class Scale:
    """What the axis of values shows."""

    low: float
    high: float

    @classmethod
    def of(cls, points: Sequence[Point]) -> Scale:
        """All quiet values, and their intervals but for the widest twentieth."""
        quiet = [point.reading for point in points if not point.noisy] or [point.reading for point in points]
        values = [reading.value for reading in quiet]
        lows = sorted(reading.interval[0] for reading in quiet if reading.interval)
        highs = sorted(reading.interval[1] for reading in quiet if reading.interval)
        low, high = min(values), max(values)
        if lows:
            spare = len(lows) // 20
            low, high = min(low, lows[spare]), max(high, highs[-1 - spare])
        middle = (low + high) / 2
        half = max((high - low) / 2 * (1 + 2 * _MARGIN), abs(middle) * _NARROWEST / 2) or 0.5
        return cls(middle - half, middle + half)

    def y(self, value: float) -> int:
        """Grid units from the top; what lies outside is drawn at the edge."""
        return round(GRID * min(max((self.high - value) / (self.high - self.low), 0.0), 1.0))

    def ticks(self) -> list[float]:
        """Two to five round values that it holds."""
        rough = (self.high - self.low) / 4
        magnitude = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= rough)
        return [i * step for i in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def dots(points: Iterable[Point], scale: Scale) -> str:
    """A line without length a value: its round ends are a dot, at a third of a circle's text."""
    return _relative((2 * point.run + 1, scale.y(point.reading.value), "h0", 0) for point in points)


def bars(points: Iterable[Point], scale: Scale) -> str:
    """The intervals."""
    ends = (
        (2 * point.run + 1, scale.y(point.reading.interval[1]), scale.y(point.reading.interval[0]))
        for point in points
        if point.reading.interval is not None
    )
    return _relative((x, top, f"v{bottom - top}", bottom - top) for x, top, bottom in ends)


def _relative(marks: Iterable[tuple[int, int, str, int]]) -> str:
    """Marks at x and y with what each draws and how far down that ends; each told from where the last ended."""
    path, x, y = "", 0, 0
    for i, (to_x, to_y, drawn, down) in enumerate(marks):
        gap = "" if i and to_y < y else " "
        path += f"m{to_x - x}{gap}{to_y - y}{drawn}" if i else f"M{to_x} {to_y}{drawn}"
        x, y = to_x, to_y + down
    return path


def held(points: Sequence[Point], scale: Scale) -> str:
    """Values that stay the same for many runs, as lines."""
    return "".join(
        f"M{2 * first.run} {scale.y(first.reading.value)}H{2 * last.run + 2}" for first, last in _alike(points)
    )


def bands(points: Sequence[Point], scale: Scale) -> str:
    """Their intervals, as areas."""
    return "".join(
        f"M{2 * first.run} {scale.y(interval[1])}H{2 * last.run + 2}V{scale.y(interval[0])}H{2 * first.run}Z"
        for first, last in _alike(points)
        if (interval := first.reading.interval) is not None
    )


def _alike(points: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    """First and last of consecutive runs with the same reading."""
    first = points[0]
    for before, after in pairwise(points):
        if after.reading != before.reading or after.run != before.run + 1:
            yield first, before
            first = after
    yield first, points[-1]


def steps(points: Sequence[Point], scale: Scale) -> str:
    """An exact figure: it holds until a run says otherwise."""
    path = f"M{2 * points[0].run} {scale.y(points[0].reading.value)}"
    for before, after in pairwise(points):
        if after.reading.value != before.reading.value:
            path += f"H{2 * after.run}V{scale.y(after.reading.value)}"
    return f"{path}H{2 * points[-1].run + 2}"


def levels(stretches: Iterable[Stretch], scale: Scale) -> str:
    """The means between the change points."""
    path = ""
    for stretch in stretches:
        for level in stretch.levels():
            y = scale.y(math.fsum(point.reading.value for point in level) / len(level))
            path += f"M{2 * level[0].run} {y}H{2 * level[-1].run + 2}"
    return path


def on_the_ground(outcomes: Sequence[Outcome], wanted: Sequence[Outcome]) -> str:
    """Marks at the bottom, for runs without a value."""
    return _relative((2 * run + 1, GRID, "h0", 0) for run, outcome in enumerate(outcomes) if outcome in wanted)


def course(points: Sequence[Point]) -> str:
    """The quiet values as one line, in a twentieth of the resolution."""
    quiet = [point for point in points if not point.noisy] or list(points)
    scale = Scale.of(quiet)
    path, x, y = "", 0, 0
    for i, point in enumerate(quiet):
        to_x, to_y = 2 * point.run + 1, scale.y(point.reading.value) // 20
        path += f"l{to_x - x}{'' if to_y < y else ' '}{to_y - y}" if i else f"M{to_x} {to_y}"
        x, y = to_x, to_y
    return path

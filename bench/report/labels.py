"""Where to put the names of points, so that no name covers another name or a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-parallel rectangle."""

    x0: float
    y0: float
    x1: float
    y1: float

    def overlap(self, other: Box) -> float:
        """Common area."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, width) * max(0.0, height)

    @property
    def area(self) -> float:
        """Area."""
        return (self.x1 - self.x0) * (self.y1 - self.y0)


Spot = tuple[float, float]
_ANGLES = tuple(pi / 4 * eighth for eighth in (1, 7, 3, 5, 2, 6, 0, 4))
"""Preferred directions first: to the right and up, as readers expect."""


def place(anchors: Sequence[Spot], sizes: Sequence[Spot], obstacles: Sequence[Box], frame: Box) -> list[Box]:
    """A box for each label near its anchor, overlapping as little as possible and inside `frame`.

    All arguments are in one unit (pixels); `sizes` are the labels' widths and heights. Labels are placed
    in turn, each at the best of a ring of candidates; a candidate farther away costs a little.
    """
    placed: list[Box] = []
    for anchor, size in zip(anchors, sizes, strict=True):
        taken = [*obstacles, *placed]
        candidates = [
            (_badness(box, taken, frame) + penalty, rank, box)
            for rank, (box, penalty) in enumerate(_candidates(anchor, size))
        ]
        placed.append(min(candidates, key=lambda candidate: candidate[:2])[2])
    return placed


def _candidates(anchor: Spot, size: Spot) -> list[tuple[Box, float]]:
    found = []
    for ring in (0.8, 1.6, 2.8, 4.2):
        for angle in _ANGLES:
            reach = ring * size[1]
            x = anchor[0] + cos(angle) * (reach + size[0] / 2)
            y = anchor[1] + sin(angle) * (reach + size[1] / 2)
            box = Box(x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2)
            found.append((box, 0.04 * ring * size[0] * size[1]))
    return found


def _badness(box: Box, taken: Sequence[Box], frame: Box) -> float:
    outside = box.area - box.overlap(frame)
    return sum(box.overlap(other) for other in taken) + 5 * outside


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions at least `gap` apart, inside `[low, high]` if they fit, near the wanted ones, in their order."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    result = list(wanted)
    floor = low
    for i in order:
        result[i] = max(wanted[i], floor)
        floor = result[i] + gap
    ceiling = high
    for i in reversed(order):
        result[i] = min(result[i], ceiling)
        ceiling = result[i] - gap
    return result

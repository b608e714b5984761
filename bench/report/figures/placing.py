"""Where to put the names of points, so that no name covers another name or a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot


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
_SIDES = (
    *((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0), (0.0, 1.0), (0.0, -1.0), (1.0, 0.0), (-1.0, 0.0)),
    *((0.5, 1.0), (0.5, -1.0), (-0.5, 1.0), (-0.5, -1.0)),
)
"""Preferred sides first: to the right and above, as readers expect."""
_RINGS = (0.55, 1.3, 2.2, 3.3, 4.6, 6.0)
"""Distances from the anchor to the label's edge, in label heights."""


def place(anchors: Sequence[Spot], sizes: Sequence[Spot], obstacles: Sequence[Box], frame: Box) -> list[Box]:
    """A box for each label near its anchor, overlapping as little as possible and inside `frame`.

    All arguments are in one unit (pixels); `sizes` are the labels' widths and heights. Labels are placed
    in turn, each at the best of a ring of candidates; a candidate farther away costs a little.
    """
    placed: list[Box] = []
    leaders: list[Box] = []
    for anchor, size in zip(anchors, sizes, strict=True):
        taken = [*obstacles, *placed, *leaders]
        candidates = [
            (_badness(box, taken, frame) + _crossings(anchor, box, [*placed, *leaders]) + penalty, rank, box)
            for rank, (box, penalty) in enumerate(_candidates(anchor, size))
        ]
        best = min(candidates, key=lambda candidate: candidate[:2])[2]
        placed.append(best)
        leaders += _leader(anchor, best)
    return placed


def nearest(anchor: Spot, box: Box) -> Spot:
    """The point of the box where a line from the anchor arrives."""
    return (min(max(anchor[0], box.x0), box.x1), min(max(anchor[1], box.y0), box.y1))


def needs_leader(anchor: Spot, box: Box) -> bool:
    """Is the label so far away that a line must say what it belongs to?"""
    x, y = nearest(anchor, box)
    return hypot(x - anchor[0], y - anchor[1]) > 1.3 * (box.y1 - box.y0)


def _leader(anchor: Spot, box: Box) -> list[Box]:
    """The line from anchor to label as a string of beads; none where the label is near."""
    if not needs_leader(anchor, box):
        return []
    x, y = nearest(anchor, box)
    beads = ((anchor[0] + t / 24 * (x - anchor[0]), anchor[1] + t / 24 * (y - anchor[1])) for t in range(4, 24))
    return [Box(bx - 1, by - 1, bx + 1, by + 1) for bx, by in beads]


def _crossings(anchor: Spot, box: Box, others: Sequence[Box]) -> float:
    """What it costs that the leader runs over names and other leaders."""
    beads = _leader(anchor, box)
    return box.area * sum(any(bead.overlap(other) > 0 for bead in beads) for other in others)


def _candidates(anchor: Spot, size: Spot) -> list[tuple[Box, float]]:
    found = []
    width, height = size
    for ring in _RINGS:
        for side_x, side_y in _SIDES:
            reach = ring * height * (0.75 if side_x and side_y else 1.0)
            x = anchor[0] + side_x * (reach + width / 2)
            y = anchor[1] + side_y * (reach + height / 2)
            box = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            found.append((box, 0.15 * ring * box.area))
    return found


def _badness(box: Box, taken: Sequence[Box], frame: Box) -> float:
    # Touching a thin line spoils a name as much as covering a broad box, whatever the area.
    touched = sum(0.8 * box.area + box.overlap(other) for other in taken if box.overlap(other) > 0)
    return touched + 5 * (box.area - box.overlap(frame))


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

"""The names of points, written beside them where they cover nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from bench.report.content.pareto import Point
from bench.report.figures.placing import Box, nearest, needs_leader, place
from bench.report.figures.style import MUTED, brief

_VEIL = {"facecolor": "white", "alpha": 0.6, "edgecolor": "none", "pad": 0.5}
"""Keeps a name readable where a crowd leaves no way around a line, without hiding the line."""
_DOT_PX = 7


@dataclass(frozen=True, slots=True)
class Named:
    """A point in the unit of its axes, and its name."""

    x: float
    y: float
    name: str
    ink: str


def name_points(ax: Axes, points: Sequence[Named], obstacles: Sequence[Box]) -> None:
    """Writes the names, clear of the points and of `obstacles` in pixels, once axes no longer move."""
    pixels = [(float(x), float(y)) for x, y in (ax.transData.transform((one.x, one.y)) for one in points)]
    texts = [
        ax.text(0, 0, brief(one.name), fontsize=9, va="center", ha="center", zorder=5, color=one.ink, bbox=_VEIL)
        for one in points
    ]
    # A long name must not squeeze the axes until nothing is left of them.
    for text in texts:
        text.set_in_layout(False)
    extents = [text.get_window_extent() for text in texts]
    dots = [Box(x - _DOT_PX, y - _DOT_PX, x + _DOT_PX, y + _DOT_PX) for x, y in pixels]
    sizes = [(extent.width + 4, extent.height) for extent in extents]
    boxes = place(pixels, sizes, [*dots, *obstacles], box_of(ax.get_window_extent()))
    back = ax.transData.inverted()
    for text, box, (x, y) in zip(texts, boxes, pixels, strict=True):
        text.set_position(tuple(back.transform(((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2))))
        if needs_leader((x, y), box):
            start, end = back.transform((x, y)), back.transform(nearest((x, y), box))
            ax.plot([start[0], end[0]], [start[1], end[1]], color=MUTED, linewidth=0.6, zorder=2.5)


def box_of(extent: Any) -> Box:
    """The rectangle that something drawn takes, in pixels."""
    return Box(extent.x0, extent.y0, extent.x1, extent.y1)


def whiskers(ax: Axes, point: Point) -> list[Box]:
    """The lines of a point's intervals, in pixels."""
    x, y = ax.transData.transform((point.cost.value, point.gain.value))
    left, bottom = ax.transData.transform((point.cost.low, point.gain.low))
    right, top = ax.transData.transform((point.cost.high, point.gain.high))
    return [Box(x - 2, bottom, x + 2, top), Box(left, y - 2, right, y + 2)]

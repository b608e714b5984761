"""Lines of a panel with the names of their models at the right-hand end."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from bench.report.figures.placing import spread
from bench.report.figures.style import MUTED, PALETTE, brief

_LINES = ("-", "--", ":")


def name_room(models: Sequence[str]) -> float:
    """Inches that the longest name takes."""
    return 0.35 + 0.074 * max(len(brief(model)) for model in models)


def colour(model: str, models: Sequence[str]) -> tuple[float, float, float]:
    """The same in all panels."""
    return PALETTE[models.index(model) % 10]


def dashes(model: str, models: Sequence[str]) -> str:
    """Tells apart models that share a colour."""
    return _LINES[models.index(model) // 10 % 3]


def name_lines(ax: Axes, ends: Sequence[tuple[str, float]], last: float, models: Sequence[str]) -> None:
    """Names right of the last point, moved apart, with a thin line where the name had to move.

    `ends` are models and the heights where their lines end at `last`; call it when all else is drawn.
    """
    points = [ax.transData.transform((last, height)) for _, height in ends]
    frame = ax.get_window_extent()
    gap = 12.5 / 72 * ax.figure.dpi
    heights = spread([float(point[1]) for point in points], gap, frame.y0 + gap / 2, frame.y1 - gap / 2)
    back = ax.transData.inverted()
    for (model, _), end, height in zip(ends, points, heights, strict=True):
        target = back.transform((end[0] + 16, height))
        start = back.transform((end[0] + 5, end[1]))
        if abs(height - end[1]) > 3:
            ax.plot([start[0], target[0]], [start[1], target[1]], color=MUTED, linewidth=0.6)
        dark = tuple(0.72 * channel for channel in colour(model, models))
        x, y = back.transform((end[0] + 19, height))
        ax.text(x, y, brief(model), va="center", fontsize=9, color=dark)

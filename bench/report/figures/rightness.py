"""What teachers bring, against how much oftener than their pupil they are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from bench.report.content.pareto import Interval, Point
from bench.report.content.rightness import Lesson
from bench.report.figures.named_points import Named, box_of, name_points, whiskers
from bench.report.figures.placing import Box
from bench.report.figures.rightness_plot import rightness_plot
from bench.report.figures.style import INK, MUTED, PALETTE, Figure, brief, canvas, finish, head, look
from emtm.metrics.metric import HEADLINE

_FEWEST = 3
"""Points of which a curve can be seen."""


def rightness_figures(lessons: Sequence[Lesson]) -> list[Figure]:
    """One figure; none of fewer points than show anything."""
    if len(lessons) < _FEWEST:
        return []
    studies = list(dict.fromkeys(lesson.where for lesson in lessons))
    title = "What teachers bring follows from how right they are"
    subtitle = (
        f"Gain in {HEADLINE.title} over the student alone, and how much oftener than it the teachers' moments are right"
    )
    with look():
        figure = canvas(9.2, 5.6)
        head(figure, title, subtitle)
        ax = figure.subplots()
        tones = {where: PALETTE[i % len(PALETTE)] for i, where in enumerate(studies)}
        for lesson in lessons:
            _draw(ax, lesson, tones[lesson.where])
        _scale(ax)
        _legend(ax, lessons, tones)
        figure.draw_without_rendering()
        points = [Named(one.ahead, one.gain.value, one.name, INK if one.synthetic else MUTED) for one in lessons]
        name_points(ax, points, [*(bar for one in lessons for bar in whiskers(ax, _point(one))), *_zero_lines(ax)])
        plot = rightness_plot(lessons, studies, subtitle)
        return [finish(figure, "teachers-right", title, _alt(lessons), _CAPTION, plot)]


_CAPTION = (
    "Across: the share of pseudo-moments with an IoU of 1/2, which is of training queries, less the student alone's "
    f"{HEADLINE.title} on the test split. Lines: 95 % intervals, over draws and seeds, or over videos where a study is "
    "by folds. Filled: generated videos. Hollow squares: real features."
)


def _draw(ax: Axes, lesson: Lesson, tone: tuple[float, float, float]) -> None:
    ax.plot([lesson.ahead] * 2, [lesson.gain.low, lesson.gain.high], color=tone, linewidth=1.8, alpha=0.6, zorder=3)
    ax.plot(
        *(lesson.ahead, lesson.gain.value, "o" if lesson.synthetic else "s"),
        markersize=7,
        markerfacecolor=tone if lesson.synthetic else "white",
        markeredgecolor=tone,
        markeredgewidth=1.6,
        zorder=4,
    )


def _scale(ax: Axes) -> None:
    ax.axhline(0, color=INK, linewidth=1.1, zorder=1.5)
    ax.axvline(0, color=INK, linewidth=1.1, zorder=1.5)
    ax.margins(x=0.16, y=0.08)
    signed = FuncFormatter(lambda value, _: "0" if abs(value) < 1e-9 else f"{value:+g}")
    ax.xaxis.set_major_formatter(signed)
    ax.yaxis.set_major_formatter(signed)
    ax.set_xlabel("pseudo-moments right, points above the student alone")
    ax.set_ylabel(f"{HEADLINE.title}, points over the student alone")
    sns.despine(ax=ax, left=True, bottom=True)


def _legend(ax: Axes, lessons: Sequence[Lesson], tones: Mapping[str, tuple[float, float, float]]) -> None:
    generated = {lesson.where: lesson.synthetic for lesson in lessons}
    handles = [
        Line2D(
            *([], []),
            marker="o" if generated[where] else "s",
            linestyle="none",
            markerfacecolor=tone if generated[where] else "white",
            markeredgecolor=tone,
            label=brief(where),
        )
        for where, tone in tones.items()
    ]
    ax.legend(handles=handles, loc="lower right", frameon=False, fontsize=9)


def _zero_lines(ax: Axes) -> list[Box]:
    frame = box_of(ax.get_window_extent())
    x, y = ax.transData.transform((0, 0))
    return [Box(frame.x0, y - 1, frame.x1, y + 1), Box(x - 1, frame.y0, x + 1, frame.y1)]


def _point(lesson: Lesson) -> Point:
    return Point(Interval(lesson.ahead, lesson.ahead, lesson.ahead), lesson.gain)


def _alt(lessons: Sequence[Lesson]) -> str:
    told = (
        f"{one.name} ({one.where}): {one.right:.0f} % of pseudo-moments right beside {one.alone:.0f} % of the student "
        f"alone, gain {one.gain.value:+.1f} points"
        for one in lessons
    )
    return f"{'; '.join(told)}."

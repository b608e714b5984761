"""Accuracy against the annotated share of the videos: the student alone, and taught in each way."""

from __future__ import annotations

from collections.abc import Sequence

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from bench.report.content.few_labels import FewLabels, Taught
from bench.report.figures.few_labels_plot import few_labels_plot, percent
from bench.report.figures.named_lines import colour, dashes, name_lines, name_room
from bench.report.figures.style import MUTED, Figure, brief, canvas, finish, head, look
from bench.report.quantity import plus_minus
from emtm.metrics.metric import HEADLINE

_CURVE_IN = 4.2
"""Width of the panel without its names, in inches."""


def few_labels_figures(study: FewLabels) -> list[Figure]:
    """One line a way of training."""
    names = study.names
    title = f"What annotation is worth, and what teachers save of it, {study.title}"
    subtitle = f"{HEADLINE.title} against the annotated share of the videos, {brief(study.split)} split"
    with look():
        figure = canvas(0.9 + _CURVE_IN + name_room(names), 1.1 + max(3.6, 0.26 * len(names) + 1.0))
        head(figure, title, subtitle)
        ax = figure.subplots()
        lines = {name: _line(study, name) for name in names}
        for name, points in lines.items():
            _draw(ax, points, colour(name, names), dashes(name, names))
        _everything(ax, study)
        _scale(ax, study, names)
        figure.draw_without_rendering()
        ends = [(name, points[-1][1].accuracy[HEADLINE].mean) for name, points in lines.items()]
        name_lines(ax, ends, study.shares[-1].share, names)
        return [finish(figure, "few-labels", title, _alt(study), _CAPTION, few_labels_plot(study, subtitle))]


_CAPTION = (
    "Dots and lines: means over draws and seeds and their 95 % intervals. The broken line is the student alone with "
    "every moment annotated. The horizontal axis is logarithmic."
)


def _line(study: FewLabels, name: str) -> list[tuple[float, Taught]]:
    return [(share.share, row) for share in study.shares if (row := share.row(name)) is not None]


def _draw(ax: Axes, points: Sequence[tuple[float, Taught]], tone: tuple[float, float, float], line: str) -> None:
    found = [(share, row.accuracy[HEADLINE]) for share, row in points]
    ax.plot([share for share, _ in found], [one.mean for _, one in found], color=tone, linestyle=line, linewidth=1.5)
    for share, one in found:
        ax.plot([share, share], [one.low, one.high], color=tone, linewidth=1.8, alpha=0.6)
        ax.plot(share, one.mean, "o", color=tone, markersize=5)


def _everything(ax: Axes, study: FewLabels) -> None:
    if study.everything is None:
        return
    mean = study.everything.accuracy[HEADLINE].mean
    ax.axhline(mean, color=MUTED, linewidth=1, linestyle=(0, (5, 4)), zorder=1)
    note = ax.annotate(
        f"every moment annotated {mean:.1f} %",
        (0.01, mean),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        fontsize=8.5,
        color=MUTED,
    )
    note.set_in_layout(False)


def _scale(ax: Axes, study: FewLabels, names: Sequence[str]) -> None:
    shares = [share.share for share in study.shares]
    spread = max(shares[-1] / shares[0], 1.5)
    ax.set_xscale("log")
    ax.set_xticks(shares, [percent(share) for share in shares])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlim(shares[0] / spread**0.08, shares[-1] * spread ** (0.05 + name_room(names) / _CURVE_IN))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
    ax.set_xlabel("annotated share of the videos")
    ax.set_ylabel(HEADLINE.title)
    sns.despine(ax=ax, left=True)


def _alt(study: FewLabels) -> str:
    told = []
    for share in study.shares:
        rows = ", ".join(
            f"{row.name} {plus_minus(row.accuracy[HEADLINE].mean, row.accuracy[HEADLINE].half_width)}"
            for row in share.rows
        )
        told.append(f"at {percent(share.share)}: {rows}")
    return f"{HEADLINE.title} in percent by annotated share; {'; '.join(told)}."

"""The frontier: accuracy against what one query costs, with the limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.choose.budget import KINDS, Fit, Kind
from bench.choose.choice import Choice, Judged
from bench.choose.tables import name, question
from bench.disturbance import disturbed
from bench.report.content.pareto import Interval, Point, front
from bench.report.content.query_cost import Cost
from bench.report.content.seeds import Trained
from bench.report.figures.named_points import Named, name_points, whiskers
from bench.report.figures.style import FAINT, INK, MUTED, ROLE_COLOUR, Figure, canvas, finish, head, look
from emtm.errors import UserError
from emtm.metrics.metric import HEADLINE
from emtm.metrics.published import LEGEND

_DECADE = 8
"""Costs that span more than this factor are drawn on a logarithmic axis."""

Drawn = tuple[Judged, Point]


def frontier(choice: Choice) -> Figure:
    """Against the first kind of cost that is limited, latency where none is.

    Raises UserError where no model has both an accuracy and that cost.
    """
    kind = choice.limits[0].kind if choice.limits else KINDS[0]
    drawn = [(one, point) for one in choice.judged if (point := _point(one, kind)) is not None]
    if not drawn:
        raise UserError(f"no model has an accuracy on {choice.place.dataset} and a {kind.noun}: no plot")
    title = f"{HEADLINE.title} against {kind.noun}"
    with look():
        figure = canvas(8.2, 5.2)
        axes = figure.subplots()
        head(figure, title, question(choice))
        _axes(axes, kind, [point for _, point in drawn])
        sure = [(one, point) for one, point in drawn if kind.key != "latency_s" or not _noisy(one)]
        for measured in (True, False):
            _front(axes, [point for one, point in sure if one.measured is measured], dashed=not measured)
        for one, point in drawn:
            _mark(axes, one, point)
        for limit in choice.limits[:1]:
            axes.axvspan(limit.most, axes.get_xlim()[1], color=FAINT, alpha=0.3, linewidth=0, zorder=0)
            axes.axvline(limit.most, color=MUTED, linewidth=1.2, zorder=1)
        _legend(figure, drawn)
        figure.draw_without_rendering()
        _names(axes, drawn)
        alt = ", ".join(f"{name(one)} {point.gain.value:.1f} % ({one.fit.value})" for one, point in drawn)
        return finish(figure, "frontier", title, f"{title}: {alt}.", f"{LEGEND}.")


def _point(one: Judged, kind: Kind) -> Point | None:
    cost, accuracy = one.costs[kind.key], one.candidate.headline
    if not isinstance(cost, Cost) or accuracy is None or cost.value <= 0:
        return None
    high = cost.value if math.isinf(cost.high) else cost.high
    gain = Interval(accuracy, accuracy, accuracy)
    if isinstance(one.candidate.accuracy, Trained):
        spread = one.candidate.accuracy.accuracy[HEADLINE]
        gain = Interval(spread.low, spread.mean, spread.high)
    return Point(Interval(max(cost.low, cost.value * 1e-3), cost.value, high), gain)


def _noisy(one: Judged) -> bool:
    """Timed while the machine was noisy: in no front of times."""
    return any(map(disturbed, one.candidate.cases))


def _axes(axes: Axes, kind: Kind, points: Sequence[Point]) -> None:
    low, high = min(point.cost.low for point in points), max(point.cost.high for point in points)
    if high > _DECADE * low:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(low / 1.4, high * 1.9)
    else:
        axes.set_xlim(0, high * 1.25)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: kind.show(value) if value else "0"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
    axes.set_xlabel(f"{kind.title} of one query")
    axes.set_ylabel(HEADLINE.title)
    worst, best = min(point.gain.low for point in points), max(point.gain.high for point in points)
    room = 0.14 * max(best - worst, 1.0)
    axes.set_ylim(max(0.0, worst - room), best + room)
    sns.despine(ax=axes, left=True)


def _front(axes: Axes, points: Sequence[Point], *, dashed: bool) -> None:
    if not points:
        return
    best = sorted((p.cost.value, p.gain.value) for p, on in zip(points, front(points), strict=True) if on)
    style = (0, (4, 3)) if dashed else "-"
    xs, ys = [x for x, _ in best], [y for _, y in best]
    axes.step([*xs, axes.get_xlim()[1]], [*ys, ys[-1]], where="post", color=INK, linewidth=1.1, alpha=0.5, ls=style)


def _mark(axes: Axes, one: Judged, point: Point) -> None:
    colour: Any = ROLE_COLOUR.get(one.candidate.role, INK) if one.fit in (Fit.SURE, Fit.MAYBE) else FAINT
    whisker = {"color": colour, "linewidth": 1.3, "zorder": 3}
    axes.plot([point.cost.low, point.cost.high], [point.gain.value] * 2, **whisker)
    axes.plot([point.cost.value] * 2, [point.gain.low, point.gain.high], **whisker)
    axes.plot(
        *(point.cost.value, point.gain.value, "o" if one.measured else "D"),
        markersize=8 if one.measured else 7,
        markerfacecolor=colour if one.measured else "white",
        markeredgecolor=colour,
        markeredgewidth=1.5,
        zorder=4,
    )


def _names(axes: Axes, drawn: Sequence[Drawn]) -> None:
    """Beside their points, once the axes no longer move."""
    points = [Named(point.cost.value, point.gain.value, one.candidate.label, INK) for one, point in drawn]
    name_points(axes, points, [bar for _, point in drawn for bar in whiskers(axes, point)])


def _legend(figure: Any, drawn: Sequence[Drawn]) -> None:
    handles = []
    if any(one.measured for one, _ in drawn):
        handles.append(Line2D([], [], ls="-", marker="o", color=INK, markersize=7, label="measured, and their front"))
    if any(one.published for one, _ in drawn):
        hollow: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": INK}
        label = "accuracy published, not measured, and their front"
        handles.append(Line2D([], [], ls="--", marker="D", color=INK, markersize=6, label=label, **hollow))
    roles = {one.candidate.role for one, _ in drawn if one.fit in (Fit.SURE, Fit.MAYBE)}
    handles += [
        Line2D([], [], ls="", marker="o", color=colour, markersize=7, label=role)
        for role, colour in ROLE_COLOUR.items()
        if role in roles
    ]
    handles.append(Line2D([], [], ls="", marker="o", color=FAINT, markersize=7, label="does not fit the budget"))
    figure.legend(handles=handles, loc="outside lower left", ncols=5, frameon=False, fontsize=8.5)

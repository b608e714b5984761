"""Charts as SVG without a width of their own: what is drawn is stretched to the page, strokes and texts are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from markupsafe import Markup

from bench.history import paths
from bench.history.changes import Analysis, Change
from bench.history.format import axis_value, step_text
from bench.history.paths import GRID, Scale
from bench.history.series import CaseHistory, History, Point
from bench.history.status import is_bad

_TOP, _HEIGHT = 24, 130
"""Of the plot, in pixels."""
_LANES = 4
"""Shades of the strip of environments, taken in turn."""


def chart(history: History, case: CaseHistory, analysis: Analysis) -> Markup:
    """The value's axis, and a series with its intervals, levels, changes, environments and failures.

    `data-low` and `data-high` say what the plot's vertical units stand for.
    """
    runs, points, measure = len(history.runs), analysis.series.points, analysis.series.measure
    scale = Scale.of(points)
    return Markup(
        '<svg class="axis" aria-hidden="true">{ticks}</svg>'
        '<svg class="chart" role="img" aria-label="{label}" data-low="{low}" data-high="{high}">'
        '<svg class="plot" y="{top}" width="100%" height="{height}" viewBox="0 0 {width} {grid}" '
        'preserveAspectRatio="none">{lines}{ranges}{boundaries}{data}{failures}</svg>'
        "{steps}{strip}</svg>"
    ).format(
        ticks=_all(
            _text("", "100%", _TOP + _HEIGHT * scale.y(tick) / GRID + 4, axis_value(tick, measure))
            for tick in scale.ticks()
        ),
        label=_description(history, analysis),
        low=f"{scale.low:.6g}",
        high=f"{scale.high:.6g}",
        top=_TOP,
        height=_HEIGHT,
        width=2 * runs,
        grid=GRID,
        lines=_path("grid", "".join(f"M0 {scale.y(tick)}H{2 * runs}" for tick in scale.ticks())),
        ranges=_all(_range(change) for change in analysis.changes),
        boundaries=_path("boundary", "".join(f"M{2 * start} 0V{GRID}" for start, _, _ in stretches(history)[1:])),
        data=_held(points, scale) if measure.kind == "accuracy" else _noisy(analysis, scale),
        failures=_path("dots failed", paths.on_the_ground(case.outcomes, ("failed", "invalid")))
        + _path("dots absent", paths.on_the_ground(case.outcomes, ("missing", "skipped"))),
        steps=_all(_step(change, runs) for change in analysis.changes),
        strip=_strip(history),
    )


def step_plot(history: History, points: Sequence[Point]) -> Markup:
    """An exact figure, small."""
    return _small("steps", 2 * len(history.runs), GRID, paths.steps(points, Scale.of(points)))


def sparkline(history: History, points: Sequence[Point]) -> Markup:
    """The quiet values alone, small."""
    return _small("spark", 2 * len(history.runs), GRID // 20, paths.course(points))


def tone(change: Change) -> str:
    """Style of a change: what the code did, by direction, and what the code alone did not."""
    if change.cause != "code":
        return "environment"
    return "worse" if is_bad(change) else "better"


def stretches(history: History) -> list[tuple[int, int, int]]:
    """First run, run after the last, and number of the environment, of runs in one environment."""
    kinds = history.environment_of
    starts = [0, *(i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]), len(kinds)]
    return [(start, end, kinds[start]) for start, end in pairwise(starts)]


def letter(environment: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    text = ""
    while environment >= 0:
        text = chr(ord("A") + environment % 26) + text
        environment = environment // 26 - 1
    return text


def _noisy(analysis: Analysis, scale: Scale) -> Markup:
    points = analysis.series.points
    quiet, noisy = [p for p in points if not p.noisy], [p for p in points if p.noisy]
    return (
        _path("bars", paths.bars(quiet, scale))
        + _path("bars noisy", paths.bars(noisy, scale))
        + _path("level", paths.levels(analysis.stretches, scale))
        + _path("dots noisy", paths.dots(noisy, scale))
        + _path("dots", paths.dots(quiet, scale))
    )


def _held(points: Sequence[Point], scale: Scale) -> Markup:
    return _path("band", paths.bands(points, scale)) + _path("held", paths.held(points, scale))


def _range(change: Change) -> Markup:
    """From the last good run to the first bad one."""
    start, end = 2 * change.last_good + 1, 2 * change.first_bad + 1
    return _path(f"range {tone(change)}", f"M{start} 0H{end}V{GRID}H{start}Z")


def _step(change: Change, runs: int) -> Markup:
    """The size of a change, above its range."""
    at = 100 * (change.last_good + change.first_bad + 1) / 2 / runs
    anchor = "end" if at > 90 else "start" if at < 10 else "middle"
    return _text(f"step {anchor} {tone(change)}", f"{at:.1f}%", 15, step_text(change))


def _strip(history: History) -> Markup:
    """Which environment each run was made in; letters where there is room for them."""
    runs, parts = len(history.runs), stretches(history)
    lanes = _all(
        _path(f"lane{lane}", "".join(f"M{2 * s} 0H{2 * e}V1H{2 * s}Z" for s, e, k in parts if k % _LANES == lane))
        for lane in range(_LANES)
    )
    letters = _all(
        _text("letter", f"{100 * (s + e) / 2 / runs:.1f}%", _TOP + _HEIGHT + 25, letter(k))
        for s, e, k in parts
        if (e - s) / runs >= 0.03
    )
    return (
        Markup(
            '<svg class="strip" y="{}" width="100%" height="8" viewBox="0 0 {} 1" preserveAspectRatio="none">{}</svg>'
        ).format(_TOP + _HEIGHT + 5, 2 * runs, lanes)
        + letters
    )


def _description(history: History, analysis: Analysis) -> str:
    points, measure = analysis.series.points, analysis.series.measure
    newest, count = axis_value(points[-1].reading.value, measure), len(analysis.changes)
    return (
        f"{measure.name} in {len(points)} of {len(history.runs)} runs, newest {newest}, "
        f"{count} change{'' if count == 1 else 's'}"
    )


def _small(name: str, width: int, height: int, path: str) -> Markup:
    return Markup(
        '<svg class="{}" aria-hidden="true" viewBox="0 0 {} {}" preserveAspectRatio="none"><path d="{}"/></svg>'
    ).format(name, width, height, path)


def _path(name: str, data: str) -> Markup:
    return Markup('<path class="{}" d="{}"/>').format(name, data) if data else Markup("")


def _text(name: str, x: str, y: float, text: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{:.0f}">{}</text>').format(name, x, y, text)


def _all(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)

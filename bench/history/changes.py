"""Change points of every series, each with the commits between which it lies and with what may have caused it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from bench.history.changepoints import MAGNITUDE, P_VALUE, SHORTEST, Floats, Shift, compare, shifts
from bench.history.environments import differences
from bench.history.measures import Measure
from bench.history.series import History, Point, Series, same_code
from bench.verdict import Verdict

Cause = Literal["code", "environment", "same commit"]
"""`environment`: it changed at the same place, so that nobody can tell it from the code; `same commit`: the code
cannot have done it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of level of one figure."""

    case_id: str
    measure: Measure
    run: int
    """Most likely the first with the new level."""
    last_good: int
    first_bad: int
    """The change lies after the one and not after the other; for noisy figures with 99 % confidence."""
    before: float
    after: float
    cause: Cause
    environment: tuple[str, ...]
    """What changed in the environment at the same place."""
    p_value: float | None
    """None for figures without noise."""

    @property
    def relative(self) -> float:
        """Change relative to what was before; 0 where that was 0."""
        return (self.after - self.before) / abs(self.before) if self.before else 0.0

    @property
    def verdict(self) -> Verdict:
        """What a comparison of before and after would say, whatever the cause."""
        bad = (self.after > self.before) == self.measure.lower_is_better
        if self.measure.kind == "time":
            return Verdict.SLOWER if bad else Verdict.FASTER
        return Verdict.WORSE if bad else Verdict.BETTER


@dataclass(frozen=True, slots=True)
class Stretch:
    """The quiet points of a series on one machine, and where their level shifts."""

    points: tuple[Point, ...]
    shifts: tuple[Shift, ...]

    def levels(self) -> list[tuple[Point, ...]]:
        """The points of each level."""
        edges = [0, *(shift.index for shift in self.shifts), len(self.points)]
        return [self.points[start:end] for start, end in pairwise(edges)]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found in one series."""

    case_id: str
    series: Series
    stretches: tuple[Stretch, ...]
    """Of noisy figures, by machine in the order of their appearance; none for exact figures and accuracies."""
    changes: tuple[Change, ...]
    """Oldest first."""


def analyse(history: History, case_id: str, series: Series) -> Analysis:
    """Change points of one series."""
    stretches: tuple[Stretch, ...] = ()
    if series.measure.kind == "exact":
        found = list(_steps(history, case_id, series))
    elif series.measure.kind == "accuracy":
        found = list(_beyond_intervals(history, case_id, series))
    else:
        stretches = _stretches(history, series)
        found = _shifts(history, case_id, series.measure, stretches)
    return Analysis(case_id, series, stretches, tuple(sorted(found, key=lambda change: change.run)))


def _stretches(history: History, series: Series) -> tuple[Stretch, ...]:
    """Hunter's method on each machine and reference product: a value is comparable with those of its like alone."""
    groups: dict[tuple[str, str], list[Point]] = {}
    for point in series.points:
        if not point.noisy:
            groups.setdefault((history.runs[point.run].machine, point.reading.basis), []).append(point)
    return tuple(
        Stretch(tuple(points), tuple(shifts([point.reading.value for point in points]))) for points in groups.values()
    )


def _shifts(history: History, case_id: str, measure: Measure, stretches: Sequence[Stretch]) -> list[Change]:
    """The shifts on each machine, and the steps from one machine to the next."""
    within = [
        _noisy_change(history, case_id, measure, stretch.points, shift)
        for stretch in stretches
        for shift in stretch.shifts
    ]
    found = _once(sorted(within, key=lambda change: change.run))
    if measure.kind == "time":
        found += _handovers(history, case_id, measure, stretches)
    return found


def _noisy_change(history: History, case_id: str, measure: Measure, points: Sequence[Point], shift: Shift) -> Change:
    last_good, first_bad = points[shift.earliest - 1].run, points[shift.latest].run
    span = [point.run for point in points[shift.earliest - 1 : shift.latest + 1]]
    changed = _environment_changes(history, span)
    return Change(
        case_id,
        measure,
        points[shift.index].run,
        last_good,
        first_bad,
        shift.before,
        shift.after,
        _cause(history, last_good, first_bad, changed),
        changed,
        shift.p_value,
    )


def _once(found: Sequence[Change]) -> list[Change]:
    """A change that several machines show is one, between the last good and the first bad run of all of them."""
    kept: list[Change] = []
    for change in found:
        before = kept[-1] if kept else None
        if before is None or before.verdict != change.verdict or change.last_good >= before.first_bad:
            kept.append(change)
            continue
        surer = min(before, change, key=lambda one: one.p_value or 0.0)
        last_good, first_bad = max(before.last_good, change.last_good), min(before.first_bad, change.first_bad)
        # Seen on two machines, it is the environment's doing only if it changed on both.
        by_code = next((one for one in (before, change) if one.cause != "environment"), surer)
        kept[-1] = replace(
            surer,
            run=min(max(surer.run, last_good + 1), first_bad),
            last_good=last_good,
            first_bad=first_bad,
            cause=by_code.cause,
            environment=by_code.environment,
        )
    return kept


def _handovers(history: History, case_id: str, measure: Measure, stretches: Sequence[Stretch]) -> Iterator[Change]:
    """Steps of the ratio where a machine first appears: never told apart from what the machine changed."""
    for i, stretch in enumerate(stretches[1:], 1):
        first = stretch.points[0]
        left = max((_newest_level(earlier, first.run) for earlier in stretches[:i]), key=lambda level: level[-1].run)
        right = stretch.levels()[0]
        if min(len(left), len(right)) < SHORTEST:
            continue
        step = compare(_values(left), _values(right))
        if step.p_value < P_VALUE and step.magnitude > MAGNITUDE:
            last = left[-1]
            changed = differences(history.runs[last.run].environment, history.runs[first.run].environment)
            if last.reading.basis != first.reading.basis:
                changed = (*changed, f"{last.reading.basis} → {first.reading.basis}")
            # Runs on the new machine may lack this figure, or be noisy, before one has it.
            arrival = next(r for r in range(last.run + 1, first.run + 1) if _alike(history, r, first.run))
            yield Change(
                case_id,
                measure,
                arrival,
                last.run,
                first.run,
                step.before,
                step.after,
                "environment",
                changed,
                step.p_value,
            )


def _alike(history: History, run: int, other: int) -> bool:
    return history.runs[run].machine == history.runs[other].machine


def _newest_level(stretch: Stretch, run: int) -> tuple[Point, ...]:
    """The level that was held last before a run; the stretch must begin before it."""
    begun = [level for level in stretch.levels() if level[0].run < run]
    return tuple(point for point in begun[-1] if point.run < run)


def _values(points: Sequence[Point]) -> Floats:
    return np.array([point.reading.value for point in points])


def _steps(history: History, case_id: str, series: Series) -> Iterator[Change]:
    """Every change of an exact figure, but for those by which two machines that take turns differ."""
    on_machine: dict[str, Point] = {}
    for before, after in pairwise(series.points):
        on_machine[history.runs[before.run].machine] = before
        same_machine = on_machine.get(history.runs[after.run].machine)
        values = {point.reading.value for point in (before, same_machine) if point is not None}
        if after.reading.value in values:
            continue
        # Where the machines agreed, the change lies after the last run of any of them.
        origin = same_machine if same_machine is not None else before
        good = before if len(values) == 1 else origin
        yield _exact_change(history, case_id, series, good, origin, after)


def _exact_change(history: History, case_id: str, series: Series, good: Point, origin: Point, bad: Point) -> Change:
    changed = _environment_changes(history, [origin.run, bad.run])
    return Change(
        case_id,
        series.measure,
        bad.run,
        good.run,
        bad.run,
        good.reading.value,
        bad.reading.value,
        _cause(history, good.run, bad.run, changed),
        changed,
        None,
    )


def _beyond_intervals(history: History, case_id: str, series: Series) -> Iterator[Change]:
    """Accuracies whose interval has nothing in common with that of the level before."""
    level = series.points[0]
    for before, after in pairwise(series.points):
        if _apart(level, after):
            change = _exact_change(history, case_id, series, before, before, after)
            yield replace(change, before=level.reading.value)
            level = after


def _apart(a: Point, b: Point) -> bool:
    first = a.reading.interval or (a.reading.value, a.reading.value)
    second = b.reading.interval or (b.reading.value, b.reading.value)
    return first[1] < second[0] or second[1] < first[0]


def _environment_changes(history: History, runs: Sequence[int]) -> tuple[str, ...]:
    """What changed in the environment from run to run."""
    changed: dict[str, None] = {}
    for before, after in pairwise(runs):
        if history.environment_of[before] != history.environment_of[after]:
            changed |= dict.fromkeys(differences(history.runs[before].environment, history.runs[after].environment))
    return tuple(changed)


def _cause(history: History, last_good: int, first_bad: int, environment: Sequence[str]) -> Cause:
    if environment:
        return "environment"
    return "same commit" if same_code(history.runs[last_good], history.runs[first_bad]) else "code"

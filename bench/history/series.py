"""A case through all runs: one series a measure, and where it gave no result."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.history.environments import Facts, differences
from bench.history.folder import CaseInRun, Folder, RunEntry, Skipped
from bench.history.measures import MEASURES, Measure, Reading, batched
from bench.missing import Missing

Outcome = Literal["ok", "failed", "invalid", "skipped", "missing", "elsewhere"]
"""`missing`: no run of that commit has the case; `elsewhere`: another run of the same commit has it."""


@dataclass(frozen=True, slots=True)
class Point:
    """A figure of one run."""

    run: int
    """Which of the history's runs, from 0 for the oldest."""
    reading: Reading
    noisy: bool
    """Measured while the machine was disturbed: shown, and left out of the detection."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Consecutive runs without a figure."""

    first: int
    last: int
    what: str
    """The outcome of the case, or the name of a measure."""
    reason: str
    """That of the last of these runs: it may name a time that differs from run to run."""


@dataclass(frozen=True, slots=True)
class Series:
    """One figure of a case through the runs that have it."""

    measure: Measure
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """A case through all runs."""

    case_id: str
    model: str
    dataset: str
    scenario: str
    outcomes: tuple[Outcome, ...]
    """By run."""
    series: tuple[Series, ...]
    """Those that any run has, times first."""
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class History:
    """All cases through all runs."""

    runs: tuple[RunEntry, ...]
    environments: tuple[Facts, ...]
    """Those that differ, in the order in which they first appear."""
    environment_of: tuple[int, ...]
    """By run, which of `environments`."""
    cases: tuple[CaseHistory, ...]
    skipped: tuple[Skipped, ...]


def by_case(folder: Folder) -> History:
    """The runs of a folder, turned from one run with many cases to one case in many runs."""
    environments: list[Facts] = []
    environment_of = []
    for run in folder.runs:
        known = next((i for i, facts in enumerate(environments) if not differences(facts, run.environment)), None)
        if known is None:
            known = len(environments)
            environments.append(run.environment)
        environment_of.append(known)
    case_ids = sorted({case_id for run in folder.runs for case_id in run.cases})
    at_commit = _cases_by_code(folder.runs)
    cases = tuple(_case_history(case_id, folder.runs, at_commit) for case_id in case_ids)
    return History(folder.runs, tuple(environments), tuple(environment_of), cases, folder.skipped)


def same_code(a: RunEntry, b: RunEntry) -> bool:
    """Were both runs made from one commit and nothing else?"""
    return a.commit is not None and a.commit == b.commit and not a.dirty and not b.dirty


def _cases_by_code(runs: Sequence[RunEntry]) -> list[set[str]]:
    """By run, the cases that any run of the same code has: a nightly job may split its cases over several files."""
    shared: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        if run.commit is not None and not run.dirty:
            shared[run.commit] |= set(run.cases)
    return [set(run.cases) if run.dirty else shared.get(run.commit or "", set(run.cases)) for run in runs]


def _case_history(case_id: str, runs: Sequence[RunEntry], at_commit: Sequence[set[str]]) -> CaseHistory:
    found = [run.cases.get(case_id) for run in runs]
    newest = next(case for case in reversed(found) if case is not None)
    outcomes = tuple(
        case.status if case is not None else _absent(case_id, cases)
        for case, cases in zip(found, at_commit, strict=True)
    )
    series = tuple(s for measure in _measures(found) if (s := _series(measure, found)).points)
    first = next(i for i, case in enumerate(found) if case is not None)
    gaps = [*_outcome_gaps(outcomes, found, first)]
    for one in series:
        gaps += _reading_gaps(one, found)
    return CaseHistory(
        case_id, newest.model, newest.dataset, newest.scenario, outcomes, series, tuple(sorted(gaps, key=_order))
    )


def _measures(found: Sequence[CaseInRun | None]) -> list[Measure]:
    """Times first, among them that at the batch size which most runs have, the largest of such."""
    sizes = Counter(size for case in found if case is not None for size in case.batch_sizes)
    common = max(sizes, key=lambda size: (sizes[size], size), default=None)
    times = [measure for measure in MEASURES if measure.kind == "time"]
    return times + ([] if common is None else [batched(common)]) + [m for m in MEASURES if m.kind != "time"]


def _absent(case_id: str, at_commit: set[str]) -> Outcome:
    return "elsewhere" if case_id in at_commit else "missing"


def _series(measure: Measure, found: Sequence[CaseInRun | None]) -> Series:
    points = []
    for run, case in enumerate(found):
        reading = None if case is None else case.readings.get(measure.name)
        if case is not None and isinstance(reading, Reading):
            points.append(Point(run, reading, case.noisy and measure.kind in ("time", "noisy")))
    return Series(measure, tuple(points))


def _outcome_gaps(outcomes: Sequence[Outcome], found: Sequence[CaseInRun | None], first: int) -> Iterator[Gap]:
    """Runs without a result; before a case exists it is not missing."""
    wanted = [i >= first and outcome not in ("ok", "elsewhere") for i, outcome in enumerate(outcomes)]
    for start, end in _stretches(outcomes, wanted):
        case = found[end]
        yield Gap(start, end, outcomes[start], "not in the run file" if case is None else case.reason)


def _reading_gaps(series: Series, found: Sequence[CaseInRun | None]) -> Iterator[Gap]:
    """Runs that gave a result without this figure."""
    reasons = ["" if case is None else _reason(case, series.measure) for case in found]
    for start, end in _stretches([bool(reason) for reason in reasons], [bool(reason) for reason in reasons]):
        yield Gap(start, end, series.measure.name, reasons[end])


def _reason(case: CaseInRun, measure: Measure) -> str:
    reading = case.readings.get(measure.name)
    return reading.reason if isinstance(reading, Missing) else ""


def _stretches(values: Sequence[object], wanted: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """First and last index of every stretch of equal values that are wanted."""
    start = 0
    for i in range(1, len(values) + 1):
        if i == len(values) or values[i] != values[start] or wanted[i] != wanted[start]:
            if wanted[start]:
                yield start, i - 1
            start = i


def _order(gap: Gap) -> tuple[int, int, str]:
    return gap.first, gap.last, gap.what

"""What to think of a case today, in one word."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from bench.history.changepoints import SHORTEST
from bench.history.changes import Analysis, Change
from bench.history.series import CaseHistory, History, Outcome
from bench.verdict import Verdict

RECENT_RUNS = 20
"""A change among so many newest runs marks its case; an older one stands in the case's list alone."""


class Status(StrEnum):
    """Gravest first."""

    FAILING = "failing"
    """The newest run that should have it failed, or gave an unsound output."""
    MISSING = "missing"
    """No run of the newest commit has it."""
    WORSE = "worse"
    """A recent change of the code made some figure worse, whatever became better."""
    SKIPPED = "skipped"
    BETTER = "better"
    ENVIRONMENT = "environment"
    """Figures changed recently, where the environment changed or the code did not."""
    SHORT = "too few runs"
    """To find a change of anything but exact figures, which are watched from the second run."""
    STEADY = "steady"


def status(history: History, case: CaseHistory, analyses: Sequence[Analysis]) -> Status:
    """The gravest that holds."""
    outcome = newest_outcome(case)
    if outcome in ("failed", "invalid"):
        return Status.FAILING
    if outcome in ("missing", "skipped"):
        return Status(outcome)
    recent = [c for analysis in analyses for c in analysis.changes if c.run >= len(history.runs) - RECENT_RUNS]
    by_code = [change for change in recent if change.cause == "code"]
    if any(is_bad(change) for change in by_code):
        return Status.WORSE
    if by_code:
        return Status.BETTER
    if recent:
        return Status.ENVIRONMENT
    most = max((len(stretch.points) for analysis in analyses for stretch in analysis.stretches), default=0)
    return Status.SHORT if 0 < most < 2 * SHORTEST else Status.STEADY


def newest_outcome(case: CaseHistory) -> Outcome:
    """Of the newest run; of the newest that holds the case, where another run of that commit was to measure it."""
    return next(outcome for outcome in reversed(case.outcomes) if outcome != "elsewhere")


def is_bad(change: Change) -> bool:
    """Is it a regression by its direction?"""
    return change.verdict in (Verdict.SLOWER, Verdict.WORSE)

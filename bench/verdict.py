"""What a comparison may say of one figure or case, and the one exit code that many verdicts make.

The order in which the verdicts stand is that of their weight: of many, the first is what a headline names.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from emtm.errors import ExitCode


class Verdict(StrEnum):
    """Of a head against its base."""

    SLOWER = "slower"
    WORSE = "worse"
    """An exact figure or an accuracy, in the direction that is bad."""
    MISSING = "missing"
    """A case of the base that the head has not."""
    NEWLY_FAILING = "newly failing"
    """A case that gave a result in the base and gives none in the head: failed, invalid or skipped."""
    REDEFINED = "redefined"
    """A case that keeps its name and measures something else."""
    LOST = "lost"
    """A figure that the base has of a case and the head has not."""
    EXTRA = "extra"
    """A case of the head that the base has not."""
    REFUSED = "refused"
    """Not compared, because the environment cannot carry a verdict: another machine, or sentinels that failed."""
    INCONCLUSIVE = "inconclusive"
    """Measured, and cannot be told: too few samples, too wide an interval, or a noisy machine."""
    CHANGED = "changed"
    """An exact figure whose direction means nothing."""
    NEWLY_PASSING = "newly passing"
    GAINED = "gained"
    FASTER = "faster"
    BETTER = "better"
    SAME = "same"
    """Exact figures equal; a timing or an accuracy whose interval lies within what is too small to matter."""

    @property
    def mirrored(self) -> Verdict:
        """What the same two runs give with base and head exchanged."""
        return _MIRRORED.get(self, self)

    @property
    def exit_code(self) -> ExitCode:
        """What this verdict alone makes a command exit with."""
        return _EXIT.get(self, ExitCode.FINE)


_PAIRS = (
    (Verdict.SLOWER, Verdict.FASTER),
    (Verdict.WORSE, Verdict.BETTER),
    (Verdict.MISSING, Verdict.EXTRA),
    (Verdict.NEWLY_FAILING, Verdict.NEWLY_PASSING),
    (Verdict.LOST, Verdict.GAINED),
)
_MIRRORED = dict(_PAIRS) | {there: here for here, there in _PAIRS}
_EXIT = {
    Verdict.SLOWER: ExitCode.REGRESSION,
    Verdict.WORSE: ExitCode.REGRESSION,
    Verdict.MISSING: ExitCode.CASES,
    Verdict.EXTRA: ExitCode.CASES,
    Verdict.NEWLY_FAILING: ExitCode.CASES,
    Verdict.REDEFINED: ExitCode.CASES,
    Verdict.LOST: ExitCode.CASES,
    Verdict.REFUSED: ExitCode.ENVIRONMENT,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}
_SOFT = {ExitCode.ENVIRONMENT, ExitCode.INCONCLUSIVE}


def exit_code(verdicts: Iterable[Verdict], *, soft: bool = False) -> ExitCode:
    """The exit code of many verdicts: the lowest that any of them has, and 0 where none has one.

    So what was found for certain outranks what could not be told: a regression (3), then a case that is gone or
    new (4), then an environment that carries no timings (5), then figures that decide nothing (6). `soft` makes
    the last two count for nothing.
    """
    codes = {verdict.exit_code for verdict in verdicts} - {ExitCode.FINE}
    return min(codes - _SOFT if soft else codes, default=ExitCode.FINE)


def heaviest(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that stands for many; SAME for none."""
    order = list(Verdict)
    return min(verdicts, key=order.index, default=Verdict.SAME)

"""What a comparison may say of one figure or case, and the one exit code that many verdicts make."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from emtm.errors import ExitCode


class Verdict(StrEnum):
    """Of a head against its base; every verdict but SAME, CHANGED, INCONCLUSIVE and REFUSED has its mirror image."""

    SAME = "same"
    """Exact figures equal; a timing or an accuracy whose interval lies within what is too small to matter."""
    SLOWER = "slower"
    FASTER = "faster"
    WORSE = "worse"
    """An exact figure or an accuracy, in the direction that is bad."""
    BETTER = "better"
    CHANGED = "changed"
    """An exact figure whose direction means nothing."""
    MISSING = "missing"
    """A case of the base that the head has not."""
    EXTRA = "extra"
    """A case of the head that the base has not."""
    NEWLY_FAILING = "newly failing"
    """A case that gave a result in the base and gives none in the head: failed, invalid or skipped."""
    NEWLY_PASSING = "newly passing"
    LOST = "lost"
    """A figure that the base has of a case and the head has not."""
    GAINED = "gained"
    INCONCLUSIVE = "inconclusive"
    """Measured, and cannot be told: too few samples, too wide an interval, or a noisy machine."""
    REFUSED = "refused"
    """Not compared, because the environment cannot carry a verdict: another machine, or sentinels that failed."""

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

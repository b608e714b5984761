"""The gate of `ab` against itself: one tree on both sides, with and without a real slowdown of the timed calls.

A comparison of the tree with itself must not be called slower or faster; a slowdown of 3 % must be found, or be
answered "inconclusive", and never be called the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from scipy.special import bdtrc, betaincinv

import bench
from bench.ab.arm import Arm, Side
from bench.ab.revisions import Revision
from bench.ab.sequential import Plan
from bench.ab.session import SLOWDOWN, Outcome, Trial, run
from bench.verdict import Verdict

ALARMS_LIMIT, MISSES_LIMIT = 0.01, 0.05
"""Shares of false alarms, and of slowdowns called the same, that the plan promises."""
_SLOWED = " slowed down by 3 %"
_DOUBT = 0.05


@dataclass(frozen=True, slots=True)
class Rates:
    """How often each answer was given."""

    comparisons: int
    slower: int
    faster: int
    same: int
    inconclusive: int

    @classmethod
    def of(cls, trials: Sequence[Trial]) -> Rates:
        """Of comparisons that could be measured."""
        answers = [trial.verdict for trial in trials if not trial.reason]
        wanted = (Verdict.SLOWER, Verdict.FASTER, Verdict.SAME, Verdict.INCONCLUSIVE)
        return cls(len(answers), *(answers.count(verdict) for verdict in wanted))

    @property
    def changed(self) -> int:
        """Answers that say there is a difference: false alarms where there is none."""
        return self.slower + self.faster

    @property
    def unfound(self) -> int:
        """Answers that deny a slowdown where there is one; "inconclusive" denies nothing."""
        return self.same + self.faster

    def bound(self, events: int) -> float:
        """Largest share that so many events leave plausible (Clopper-Pearson, one-sided 95 %); 1 without any trial."""
        return 1.0 if events >= self.comparisons else float(betaincinv(events + 1, self.comparisons - events, 0.95))


@dataclass(frozen=True, slots=True)
class Gate:
    """What all sessions together showed."""

    outcomes: tuple[Outcome, ...]

    @property
    def unchanged(self) -> Rates:
        """Of the tree against itself."""
        return Rates.of([t for o in self.outcomes for t in o.trials if not t.case_id.endswith(_SLOWED)])

    @property
    def slowed(self) -> Rates:
        """Of the tree against itself slowed down."""
        return Rates.of(self.slowed_trials)

    @property
    def slowed_trials(self) -> list[Trial]:
        """All of them, those that could not be measured included."""
        return [t for o in self.outcomes for t in o.trials if t.case_id.endswith(_SLOWED)]

    @property
    def broken(self) -> list[Trial]:
        """Comparisons that could not be measured."""
        return [trial for outcome in self.outcomes for trial in outcome.trials if trial.reason]

    @property
    def carries(self) -> bool:
        """Can verdicts be given on this machine? No more wrong ones than promised, and mostly an answer."""
        even, slow = self.unchanged, self.slowed
        answered = even.comparisons + slow.comparisons - even.inconclusive - slow.inconclusive
        return (
            not self.broken
            and plausible(even.changed, even.comparisons, ALARMS_LIMIT)
            and plausible(slow.unfound, slow.comparisons, MISSES_LIMIT)
            and 2 * answered >= even.comparisons + slow.comparisons
        )


def plausible(events: int, trials: int, share: float) -> bool:
    """Could so many events be chance when each has this probability? False when the odds are under 5 %."""
    return events == 0 or float(bdtrc(events - 1, trials, share)) > _DOUBT


def sessions(
    case_ids: Sequence[str],
    comparisons: int,
    slowed: int,
    start: Callable[[str], Side],
    budget_s: float,
    seed: int = 0,
    progress: Callable[[str], object] = lambda line: None,
    plan: Plan = Plan(),  # noqa: B008
    *,
    earlier: Gate = Gate(()),
) -> Iterator[Outcome]:
    """Sessions over `case_ids` until so many comparisons are done, `earlier` ones included, each as it ends.

    A session compares every case with itself; each slowed comparison is of another case, in turn. `budget_s` is for
    each comparison.
    """
    lot, number = random.Random(seed), len(earlier.outcomes)
    done_slowed = len(earlier.slowed_trials)
    done = sum(len(outcome.trials) for outcome in earlier.outcomes) - done_slowed
    while done < comparisons or done_slowed < slowed:
        number += 1
        even = list(case_ids)[: max(0, comparisons - done)]
        ahead = max(1, -(-(comparisons - done) // len(case_ids)))
        share = -(-(slowed - done_slowed) // ahead)
        slow = [f"{case_ids[(done_slowed + i) % len(case_ids)]}{_SLOWED}" for i in range(min(share, len(case_ids)))]
        head = f"session {number}, {done} of {comparisons} comparisons done: "
        yield run(
            [*even, *slow],
            lambda side: _Slowing(start(side), side == "head"),
            plan,
            budget_s * (len(even) + len(slow)),
            lot.randrange(2**32),
            lambda line, head=head: progress(head + line),  # type: ignore[misc]
            guarded=False,
        )
        done, done_slowed = done + len(even), done_slowed + len(slow)


class _Slowing:
    """A side that opens `CASE slowed down by 3 %` as the case, and as the head does so much more work in each call."""

    def __init__(self, side: Side, head: bool) -> None:
        self._side, self._head, self._slowdown = side, head, 0.0

    def hello(self) -> object:
        return self._side.hello()

    def open(self, case_id: str) -> float:
        self._slowdown = SLOWDOWN if self._head and case_id.endswith(_SLOWED) else 0.0
        return self._side.open(case_id.removesuffix(_SLOWED))

    def call(self, slowdown: float = 0.0) -> float:
        return self._side.call(self._slowdown)

    def close(self) -> None:
        self._side.close()


def local(scratch: Path) -> Callable[[str], Arm]:
    """Starts processes of the tree that runs this, whatever the side is called."""
    root = Path(bench.__file__).resolve().parents[1]
    here = Revision("this tree", "", False, root, (root,))
    number = count()
    return lambda side: Arm(here, (), scratch / f"{side}-{next(number)}.log")

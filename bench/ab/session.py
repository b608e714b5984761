"""Rounds of fresh processes, timed in turn, until every case is decided or the budget is spent.

In a round each case is timed in blocks of base, head, head, base (or the other way round, by lot), so that whatever
changes the machine's speed slowly falls on both alike. A third process, of the base again, takes part for one case,
the sentinel: it must show no difference to the base (A/A), and with a real slowdown of 3 % built into it must not be
called the same. Where it does otherwise the machine cannot carry a verdict today.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median

from bench.ab.arm import Side
from bench.ab.pairs import Call, log_ratios
from bench.ab.sequential import Estimate, Plan, estimate, verdicts
from bench.isolation.lines import WorkerError
from bench.verdict import Verdict

SLOWDOWN = 0.03
"""Of the sentinel."""
TWIN, SLOWED = "base against itself", "base slowed down by 3 %"


Start = Callable[[str], Side]
"""Starts a fresh process of "base", "head" or "twin" (the base again)."""


@dataclass(slots=True)
class Trial:
    """A comparison under way: what the rounds said, and where it stands."""

    case_id: str
    logs: list[float] = field(default_factory=list)
    """Median log ratio of each round."""
    pairs: int = 0
    found: Estimate | None = None
    verdict: Verdict = Verdict.INCONCLUSIVE
    reason: str = ""
    """Why it could not be measured."""
    broken: frozenset[str] = frozenset()
    """Sides that could not measure it: "base", "head", or both."""

    @property
    def open(self) -> bool:
        """Is it worth another round?"""
        return self.verdict is Verdict.INCONCLUSIVE and not self.reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a session found."""

    trials: tuple[Trial, ...]
    sentinels: tuple[Trial, ...]
    rounds: int
    elapsed_s: float

    @property
    def valid(self) -> bool:
        """Did the sentinels do what they must?"""
        return all(_holds(trial) for trial in self.sentinels)


def _holds(sentinel: Trial) -> bool:
    """A/A must show no difference; the slowdown must not be taken for the same, or for faster."""
    if sentinel.case_id == TWIN:
        return sentinel.verdict in (Verdict.SAME, Verdict.INCONCLUSIVE)
    return sentinel.verdict in (Verdict.SLOWER, Verdict.INCONCLUSIVE)


def run(
    case_ids: Sequence[str],
    start: Start,
    plan: Plan,
    budget_s: float,
    seed: int = 0,
    progress: Callable[[str], object] = lambda line: None,
    *,
    guarded: bool = True,
) -> Outcome:
    """Measures until all is decided, the plan's rounds are done, or the next look would be over `budget_s`.

    A case that fails on either side is a trial with a reason; the others go on. Without `guarded` there are no
    sentinels: the caller compares what it knows the answer of.
    """
    lot, began = random.Random(seed), time.monotonic()
    trials = [Trial(case_id) for case_id in case_ids]
    sentinels = (Trial(TWIN), Trial(SLOWED)) if guarded else ()
    rounds = 0
    while rounds < plan.max_rounds and any(trial.open for trial in trials):
        rounds += 1
        _round(trials, sentinels, start, lot, lambda text: progress(f"round {rounds}: {text}"))  # noqa: B023
        if rounds in plan.looks:
            _look(trials, plan)
            for sentinel in sentinels:
                _look([sentinel], plan)
            progress(f"round {rounds}: {sum(not trial.open for trial in trials)} of {len(trials)} cases decided")
            if _next_look_s(rounds, plan, time.monotonic() - began) > budget_s:
                break
    return Outcome(tuple(trials), tuple(sentinels), rounds, time.monotonic() - began)


def _next_look_s(rounds: int, plan: Plan, elapsed_s: float) -> float:
    """When the next look would be over, at the pace so far."""
    ahead = [look for look in plan.looks if look > rounds]
    return elapsed_s * ahead[0] / rounds if ahead else elapsed_s


def _look(trials: Sequence[Trial], plan: Plan) -> None:
    """Estimates, and verdicts of the whole family; a case that is decided keeps what it had."""
    for trial in trials:
        if trial.open and len(trial.logs) > 1:
            trial.found = estimate(trial.logs, plan, trial.found.p if trial.found else 1.0)
    family = {trial.case_id: trial.found for trial in trials if trial.found is not None}
    for case_id, verdict in verdicts(family, plan).items():
        trial = next(trial for trial in trials if trial.case_id == case_id)
        if trial.open:
            trial.verdict = verdict


def _round(
    trials: Sequence[Trial],
    sentinels: Sequence[Trial],
    start: Start,
    lot: random.Random,
    progress: Callable[[str], object],
) -> None:
    """One round of every open case; the first that is open is the sentinel's."""
    progress("starting the processes")
    began = time.monotonic()
    watched = next((trial.case_id for trial in trials if not trial.reason), None)
    sides: dict[str, Side] = {}
    try:
        for name in ("base", "head", *(("twin",) if any(sentinel.open for sentinel in sentinels) else ())):
            sides[name] = start(name)
        for side in sides.values():
            # They load at the same time; none is timed while another still does.
            with suppress(WorkerError):
                side.hello()
        waiting = [trial for trial in trials if trial.open or trial.case_id == watched]
        share_s = (time.monotonic() - began) / max(1, len(waiting))
        for trial in lot.sample(waiting, len(waiting)):
            progress(trial.case_id)
            guard = sentinels if trial.case_id == watched and "twin" in sides else ()
            try:
                _measure(trial, guard, sides, lot, share_s)
            except _BrokenError as error:
                trial.reason, trial.broken = str(error), error.sides
                for name in sides:
                    sides[name].close()
                    sides[name] = start(name)
    finally:
        for side in sides.values():
            side.close()


def _measure(
    trial: Trial, sentinels: Sequence[Trial], sides: dict[str, Side], lot: random.Random, start_s: float
) -> None:
    """Opens a case and times it for about as long as that and its share of the start took."""
    began = time.monotonic()
    _opened(trial.case_id, sides)
    turns: list[list[tuple[Trial, str, float]]] = [[(trial, "head", 0.0)] if trial.open else [], []]
    if sentinels:
        sides["twin"].open(trial.case_id)
        # A process that had two turns where the others have one would find its own data in the caches more often, and
        # be faster for it: so the slowdown, which the twin has too, gets turns of its own.
        for sentinel, slowdown, turn in zip(sentinels, (0.0, SLOWDOWN), turns, strict=True):
            turn += [(sentinel, "twin", slowdown)] if sentinel.open else []
    base, open_s = _call(sides, "base", 0.0), start_s + time.monotonic() - began
    asked = [turn for turn in turns if turn]
    for turn in asked:
        calls = [_call(sides, name, slowdown) for _, name, slowdown in turn]
        for (arm, _, _), logs in zip(turn, log_ratios(base, calls, lot, open_s / len(asked)), strict=True):
            arm.logs.append(median(logs))
            arm.pairs += len(logs)


class _BrokenError(Exception):
    """A case cannot be measured on some sides."""

    def __init__(self, reason: str, sides: frozenset[str]) -> None:
        super().__init__(reason)
        self.sides = sides


def _opened(case_id: str, sides: dict[str, Side]) -> None:
    """Opens a case on base and head, whichever of them fails."""
    reasons = {}
    for name in ("base", "head"):
        try:
            sides[name].open(case_id)
        except WorkerError as error:
            reasons[name] = str(error)
    if reasons:
        raise _BrokenError("; ".join(f"{name}: {reason}" for name, reason in reasons.items()), frozenset(reasons))


def _call(sides: dict[str, Side], name: str, slowdown: float) -> Call:
    def seconds() -> float:
        try:
            return sides[name].call(slowdown)
        except WorkerError as error:
            raise _BrokenError(f"{name}: {error}", frozenset({"base" if name == "twin" else name})) from error

    return seconds

"""Rounds of fresh processes, each compared with the peer's answer and then timed in turn with it.

In a round every row has a process of its own. The models of one size are made in all of them at once; then each contest
of that size is first answered by all, and what answers otherwise than the peer is not timed; the calls that are timed
go one after the other, in blocks of all rows by lot and back again. A round gives one number a row.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Protocol

import numpy as np

from bench.ab.pairs import Call, log_ratios
from bench.instruments.noise import NoiseWindow
from bench.isolation.lines import WorkerError
from bench.missing import Json
from bench.peers.contests import BASE, Contest, Row, rows
from bench.peers.inputs import sizes, write_inputs
from bench.peers.parity import Array, DifferentError, deviations, in_our_terms, our_state
from bench.peers.peer import Peer
from bench.record import Noise

ALLOWANCE_S = 3.0
"""What the pairs of a contest may take in a round, beyond the fewest."""
PAIRS = (4, 400)


class Side(Protocol):
    """What a session needs of a process; `Competitor` is one."""

    def hello(self) -> Mapping[str, str]:
        """Waits until it can be asked: versions of what it runs on. Raises WorkerError, as all of these do."""

    def begin_making(self, contest: Contest, weights: Path, sizes: Mapping[str, Json]) -> None:
        """Has a model made, without waiting for it."""

    def made(self) -> None:
        """Waits for that."""

    def begin_answer(self, contest: Contest, inputs: Path) -> None:
        """Has a contest's inputs answered, without waiting for it."""

    def answered(self) -> dict[str, Array]:
        """Waits for that."""

    def open(self, contest: Contest, inputs: Path) -> float:
        """Makes calls ready; seconds of one."""

    def call(self) -> float:
        """Seconds of one call."""

    @property
    def alive(self) -> bool:
        """Can it be asked further?"""

    def close(self) -> None:
        """Ends it."""


@dataclass(slots=True)
class Timing:
    """What the rounds showed of a row of a contest."""

    row: Row
    round_s: list[float] = field(default_factory=list)
    round_log_ratios: list[float] = field(default_factory=list)
    pairs: int = 0
    parity: dict[str, float] = field(default_factory=dict)
    reason: str = ""


@dataclass(slots=True)
class Trial:
    """A contest under way."""

    contest: Contest
    timings: tuple[Timing, ...]
    noise: list[Noise] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """What a session found."""

    trials: tuple[Trial, ...]
    rounds: int
    elapsed_s: float
    versions: Mapping[str, Mapping[str, str]]
    """Of what the process of each row ran on."""


class Session:
    """Contests between a peer and ours."""

    def __init__(
        self,
        peer: Peer,
        contests: Sequence[Contest],
        start: Callable[[Row], Side],
        folder: Path,
        seed: int = 0,
        progress: Callable[[str], object] = lambda line: None,
    ) -> None:
        self._peer, self._start, self._folder, self._progress = peer, start, folder, progress
        self._lot, self._versions = random.Random(seed), dict[str, Mapping[str, str]]()
        self._trials = tuple(Trial(contest, tuple(Timing(row) for row in rows(contest, peer))) for contest in contests)

    def run(self, max_rounds: int, budget_s: float) -> Outcome:
        """Rounds until they are as many as planned, or the next would be over `budget_s`; one at the least."""
        began = time.monotonic()
        for number in range(1, max_rounds + 1):
            self._round(f"round {number} of {max_rounds}")
            elapsed_s = time.monotonic() - began
            if elapsed_s * (number + 1) / number > budget_s:
                break
        return Outcome(self._trials, number, time.monotonic() - began, self._versions)

    def _round(self, title: str) -> None:
        self._progress(f"{title}: starting the processes")
        groups: dict[tuple[str, str], list[Trial]] = {}
        for trial in self._trials:
            groups.setdefault((trial.contest.model, trial.contest.dataset), []).append(trial)
        wanted = {timing.row.name: timing.row for trial in self._trials for timing in _open(trial)}
        sides: dict[str, Side] = {}
        try:
            for name, row in wanted.items():
                # One that does not start is asked in vain below, where there is a place for the reason.
                with suppress(WorkerError):
                    sides[name] = self._start(row)
            for group in self._lot.sample(list(groups.values()), len(groups)):
                self._group(group, sides, title)
        finally:
            for side in sides.values():
                side.close()

    def _group(self, group: Sequence[Trial], sides: dict[str, Side], title: str) -> None:
        """Contests of one model at one size: made once, then answered and timed each."""
        first = group[0].contest
        asked = {timing.row.name: timing.row for trial in group for timing in _open(trial)}
        failed: dict[str, str] = {}
        self._progress(f"{title}: making {first.model} at the size of {first.dataset}")
        waiting = []
        for name in asked:
            if name != BASE and BASE in failed:
                failed[name] = f"the peer itself: {failed[BASE]}"
                continue
            try:
                side = sides[name] = sides.get(name) or self._start(asked[name])
                self._versions[name] = side.hello()
                side.begin_making(first, self._weights(first, ours=asked[name].ours), sizes(first))
                if name == BASE and not self._weights(first, ours=True).exists():
                    side.made()
                    self._translate(first)
                else:
                    waiting.append(name)
            except WorkerError as error:
                failed[name] = self._lost(name, error, sides)
        for name in waiting:
            try:
                sides[name].made()
            except WorkerError as error:
                failed[name] = self._lost(name, error, sides)
        for trial in group:
            for timing in _open(trial):
                timing.reason = failed.get(timing.row.name, "")
            self._progress(f"{title}: {trial.contest.case_id}")
            self._contest(trial, sides)

    def _contest(self, trial: Trial, sides: dict[str, Side]) -> None:
        if _without_peer(trial):
            return
        inputs = self._folder / f"inputs-{_named(trial.contest.case_id)}.npz"
        if not inputs.exists():
            write_inputs(trial.contest, inputs)
        self._compare(trial, sides, inputs)
        for timing in _open(trial):
            self._trying(timing, sides, lambda side: side.open(trial.contest, inputs))
        window = NoiseWindow()
        while self._timed(trial, sides):
            pass
        trial.noise.append(window.close())

    def _compare(self, trial: Trial, sides: dict[str, Side], inputs: Path) -> None:
        """Asks every row for its answer; one that is not the peer's is a reason not to time it."""
        base: dict[str, Array] = {}
        before = _read(self._weights(trial.contest, ours=True)) if trial.contest.kind == "train" else {}
        for timing in _compared(trial):
            self._trying(timing, sides, lambda side: side.begin_answer(trial.contest, inputs))
        for timing in _compared(trial):

            def answer(side: Side, timing: Timing = timing) -> None:
                found = side.answered()
                if not timing.row.ours:
                    weights = _read(self._weights(trial.contest, ours=False)) if before else {}
                    found = in_our_terms(trial.contest, self._peer, found, weights)
                if timing.row.name == BASE:
                    base.update(found)
                    return
                if not base:
                    raise DifferentError("the peer itself did not answer")
                for name, value in deviations(before, base, found).items():
                    worse = min if name == "equal_moments" else max
                    timing.parity[name] = worse(timing.parity.get(name, value), value)

            self._trying(timing, sides, answer)

    def _timed(self, trial: Trial, sides: dict[str, Side]) -> bool:
        """Times what is left of a contest; True where a row broke down, and the others are to be timed anew."""
        if _without_peer(trial):
            return False
        base, *others = _open(trial)
        seconds: dict[str, list[float]] = {timing.row.name: [] for timing in (base, *others)}

        def calls(timing: Timing) -> Call:
            def call() -> float:
                try:
                    found = sides[timing.row.name].call()
                except WorkerError as error:
                    timing.reason = self._lost(timing.row.name, error, sides)
                    raise _BrokenError from None
                seconds[timing.row.name].append(found)
                return found

            return call

        try:
            logs = log_ratios(calls(base), [calls(timing) for timing in others], self._lot, ALLOWANCE_S, PAIRS)
        except _BrokenError:
            return True
        for timing in (base, *others):
            timing.round_s.append(median(seconds[timing.row.name]))
        for timing, found in zip(others, logs, strict=True):
            timing.round_log_ratios.append(median(found))
            timing.pairs += len(found)
        return False

    def _trying(self, timing: Timing, sides: dict[str, Side], what: Callable[[Side], object]) -> None:
        if timing.row.name not in sides:
            timing.reason = "its process was lost at another contest of this model"
            return
        try:
            what(sides[timing.row.name])
        except WorkerError as error:
            timing.reason = self._lost(timing.row.name, error, sides)
        except DifferentError as error:
            timing.reason = str(error)

    def _lost(self, name: str, error: WorkerError, sides: dict[str, Side]) -> str:
        """Why a row is not timed; a process that died makes room for another one, which the next model gets."""
        if name in sides and not sides[name].alive:
            sides.pop(name).close()
        return str(error)

    def _weights(self, contest: Contest, *, ours: bool) -> Path:
        """Where the weights of a contest's model are, in the peer's terms or in ours."""
        side = "ours" if ours else "theirs"
        return self._folder / f"weights-{_named(f'{contest.model}|{contest.dataset}')}-{side}.npz"

    def _translate(self, contest: Contest) -> None:
        weights = _read(self._weights(contest, ours=False))
        state = our_state(contest.model, self._peer, weights)
        np.savez(self._weights(contest, ours=True), **state)  # type: ignore[arg-type]


class _BrokenError(Exception):
    """A row broke down while it was timed; its timing says why."""


def _open(trial: Trial) -> list[Timing]:
    """Those that are still timed, the peer first."""
    return [timing for timing in trial.timings if not timing.reason]


def _without_peer(trial: Trial) -> bool:
    """Is there nothing to time against? Then that is why the others are not timed."""
    timed = _open(trial)
    if timed and timed[0].row.name == BASE:
        return False
    for timing in timed:
        timing.reason = "the peer itself was not timed"
    return True


def _compared(trial: Trial) -> list[Timing]:
    return [timing for timing in _open(trial) if timing.row.compared]


def _read(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _named(text: str) -> str:
    return text.replace("|", "-")

"""The processes that are compared, as their parent sees them: the peer's in its own python, ours in this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import numpy as np

import bench
from bench.isolation.lines import LineProcess, WorkerError
from bench.missing import Json
from bench.peers.contests import Contest, Row
from bench.peers.parity import Array
from bench.peers.peer import WORKERS, Peer
from bench.peers.workers.serving import PROTOCOL
from emtm.errors import UserError

START_LIMIT_S, ANSWER_LIMIT_S = 300.0, 900.0
CALL_LIMIT_S, PATIENCE = 60.0, 10.0
"""A call may take this long, and this many times what it took when it was opened."""
STEP_RATE = 1e-3
"""Learning rate of the step that is compared."""
_ROOT = Path(bench.__file__).resolve().parents[1]
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1"}
_OF_OUR_PYTHON = ("PYTHONPATH", "PYTHONHOME")


@dataclass(frozen=True, slots=True)
class Starting:
    """How processes are started."""

    peer: Peer
    code: Path
    python: Path
    folder: Path
    """For what they write."""


class Competitor:
    """The process of one row; close it after use."""

    def __init__(self, row: Row, starting: Starting, number: int) -> None:
        """Starts it; raises WorkerError where that is refused."""
        self.row = row
        self._log = starting.folder / f"{number}.log"
        self._out = starting.folder / f"{number}.npz"
        self._call_s = 0.0
        self._versions: Mapping[str, str] | None = None
        command, environment = _started(row, starting)
        try:
            self._line = LineProcess(row.name, command, environment, self._log)
        except OSError as error:
            raise WorkerError(f"cannot run {command[0]}: {error.strerror}") from None

    def hello(self) -> Mapping[str, str]:
        """Waits until it can be asked: versions of what it runs on. Raises WorkerError."""
        if self._versions is None:
            said = self._line.hear(START_LIMIT_S)
            if said.get("protocol") != PROTOCOL:
                raise WorkerError(f"{self.row.name} speaks another version of the protocol")
            versions = said["versions"]
            assert isinstance(versions, dict)
            self._versions = {name: str(version) for name, version in versions.items()}
        return self._versions

    def begin_making(self, contest: Contest, weights: Path, sizes: Mapping[str, Json]) -> None:
        """Has the contest's model made, without waiting for it."""
        self.hello()
        self._line.tell({"do": "make", "model": contest.model, "weights": str(weights), "sizes": dict(sizes)})

    def made(self) -> None:
        """Waits for that; raises WorkerError."""
        self._line.hear(ANSWER_LIMIT_S)

    def begin_answer(self, contest: Contest, inputs: Path) -> None:
        """Has a contest's inputs answered, without waiting for it; raises WorkerError."""
        self._line.tell({**self._asked("answer", contest, inputs), "out": str(self._out)})

    def answered(self) -> dict[str, Array]:
        """Waits for that; raises WorkerError."""
        self._line.hear(ANSWER_LIMIT_S)
        with np.load(self._out, allow_pickle=False) as arrays:
            return dict(arrays)

    def open(self, contest: Contest, inputs: Path) -> float:
        """Makes a contest's calls ready; seconds of one. Raises WorkerError."""
        self._call_s = _number(self._line.ask(self._asked("open", contest, inputs), ANSWER_LIMIT_S)["call_s"])
        return self._call_s

    def call(self) -> float:
        """Seconds of one call; raises WorkerError."""
        return _number(self._line.ask({"do": "call"}, CALL_LIMIT_S + PATIENCE * self._call_s)["ns"]) * 1e-9

    @property
    def alive(self) -> bool:
        """Does the process still run?"""
        return self._line.alive

    def close(self) -> None:
        """Ends it."""
        self._line.close()
        self._out.unlink(missing_ok=True)

    def _asked(self, what: str, contest: Contest, inputs: Path) -> dict[str, Json]:
        return {
            "do": what,
            "contest": asdict(contest),
            "kind": contest.kind,
            "row": self.row.name,
            "inputs": str(inputs),
            "rate": STEP_RATE,
        }


def starter(starting: Starting) -> Callable[[Row], Competitor]:
    """A function that starts a fresh process of a row."""
    number = count()
    return lambda row: Competitor(row, starting, next(number))


def check_python(starting: Starting, row: Row) -> None:
    """Raises UserError where the peer's python cannot run it."""
    try:
        competitor = Competitor(row, starting, -1)
        try:
            competitor.hello()
        finally:
            competitor.close()
    except WorkerError as error:
        raise UserError(
            f"{starting.python} cannot run {starting.peer.repository}, which needs {starting.peer.needs}: {error}"
        ) from None


def _started(row: Row, starting: Starting) -> tuple[list[str], dict[str, str]]:
    """Command and environment of a row's process."""
    serving = str(WORKERS / "serving.py")
    if row.ours:
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        return [sys.executable, serving, str(WORKERS / "ours.py")], {**os.environ, "PYTHONPATH": path, **_ONE_THREAD}
    outside = {name: value for name, value in os.environ.items() if name not in _OF_OUR_PYTHON}
    command = [str(starting.python), serving, str(starting.peer.worker), str(starting.code.resolve())]
    return command, {**outside, **_ONE_THREAD, **row.environment}


def _number(value: Json) -> float:
    assert isinstance(value, int | float)
    return float(value)

"""A worker process as its parent sees it: one side of a comparison, asked for timings over a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.ab.revisions import Revision
from bench.isolation.lines import LineProcess, WorkerError
from bench.missing import Json

PROTOCOL = 2
START_LIMIT_S = 120.0
OPEN_LIMIT_S = 120.0
CALL_LIMIT_S, PATIENCE = 60.0, 10.0
"""A call may take this long, and this many times what it took when the case was opened."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What of a case needs no clock."""

    params: int
    macs: int


class Side(Protocol):
    """What a session needs of a process; `Arm` is one."""

    def hello(self) -> object:
        """Waits until it can be asked; raises WorkerError."""

    def open(self, case_id: str) -> float:
        """Builds a case; seconds of one call. Raises WorkerError."""

    def call(self, slowdown: float = 0.0) -> float:
        """Seconds of a call; raises WorkerError."""

    def close(self) -> None:
        """Ends it."""


class Arm:
    """A running worker of one revision; close it after use."""

    def __init__(self, revision: Revision, suite: Sequence[Path], log: Path) -> None:
        """Starts the process; `suite` is where the harness itself is found, behind the revision."""
        self.name = revision.name
        self._call_s = 0.0
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (*revision.python_path, *suite))),
            "OMP_NUM_THREADS": "1",
            "PYTHONHASHSEED": "random",
        }
        self._process = LineProcess(self.name, [sys.executable, "-m", "bench.ab.worker"], environment, log)
        self._ready: Mapping[str, Json] | None = None

    def hello(self) -> tuple[str, ...]:
        """The ids of the cases it knows; raises WorkerError when it speaks another protocol."""
        if self._ready is None:
            self._ready = self._process.hear(START_LIMIT_S)
        if self._ready.get("protocol") != PROTOCOL:
            raise WorkerError(f"{self.name} speaks another version of the protocol between the sides")
        return tuple(str(case_id) for case_id in _list(self._ready["cases"]))

    def count(self, case_id: str) -> Counts:
        """Parameters and multiply-adds of a case; raises WorkerError with the reason when it fails."""
        answer = self._ask({"do": "count", "case": case_id}, OPEN_LIMIT_S)
        return Counts(int(_number(answer["params"])), int(_number(answer["macs"])))

    def open(self, case_id: str) -> float:
        """Builds a case in the place of the last one; the median seconds of a call. Raises WorkerError as `count`."""
        self._call_s = _number(self._ask({"do": "open", "case": case_id}, OPEN_LIMIT_S)["call_s"])
        return self._call_s

    def call(self, slowdown: float = 0.0) -> float:
        """Seconds of one call of the case that is open; raises WorkerError as `count` does.

        With `slowdown`, real work that takes this share of a call runs inside it.
        """
        answer = self._ask({"do": "call", "slowdown": slowdown}, CALL_LIMIT_S + PATIENCE * self._call_s)
        return _number(answer["ns"]) * 1e-9

    @property
    def alive(self) -> bool:
        """Does the process still run?"""
        return self._process.alive

    def close(self) -> None:
        """Ends the process, by force where it does not end by itself."""
        self._process.close()

    def _ask(self, question: Mapping[str, Json], limit_s: float) -> Mapping[str, Json]:
        self.hello()
        return self._process.ask(question, limit_s)


def _list(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value


def _number(value: Json) -> float:
    assert isinstance(value, int | float)
    return float(value)

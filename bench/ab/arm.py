"""A worker process as its parent sees it: one side of a comparison, asked for timings over a pipe."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.ab.revisions import Revision
from bench.missing import Json

PROTOCOL = 2
START_LIMIT_S = 120.0
OPEN_LIMIT_S = 120.0
CALL_LIMIT_S, PATIENCE = 60.0, 10.0
"""A call may take this long, and this many times what it took when the case was opened."""
_TAIL = 400
"""Characters of what a dead worker wrote last."""


class ArmError(Exception):
    """A worker died, hung or could not do what it was asked for; the text says which."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What of a case needs no clock."""

    params: int
    macs: int


class Side(Protocol):
    """What a session needs of a process; `Arm` is one."""

    def hello(self) -> object:
        """Waits until it can be asked; raises ArmError."""

    def open(self, case_id: str) -> float:
        """Builds a case; seconds of one call. Raises ArmError."""

    def call(self, slowdown: float = 0.0) -> float:
        """Seconds of a call; raises ArmError."""

    def close(self) -> None:
        """Ends it."""


class Arm:
    """A running worker of one revision; close it after use."""

    def __init__(self, revision: Revision, suite: Sequence[Path], log: Path) -> None:
        """Starts the process; `suite` is where the harness itself is found, behind the revision."""
        self.name = revision.name
        self._log = log
        self._partial = b""
        self._call_s = 0.0
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (*revision.python_path, *suite))),
            "OMP_NUM_THREADS": "1",
            "PYTHONHASHSEED": "random",
        }
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.ab.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                cwd=log.parent,
            )
        self._ready: Mapping[str, Json] | None = None

    def hello(self) -> tuple[str, ...]:
        """The ids of the cases it knows; raises ArmError when it speaks another protocol."""
        if self._ready is None:
            self._ready = self._read(START_LIMIT_S)
        if self._ready.get("protocol") != PROTOCOL:
            raise ArmError(f"{self.name} speaks another version of the protocol between the sides")
        return tuple(str(case_id) for case_id in _list(self._ready["cases"]))

    def count(self, case_id: str) -> Counts:
        """Parameters and multiply-adds of a case; raises ArmError with the reason when it fails."""
        answer = self._ask({"do": "count", "case": case_id}, OPEN_LIMIT_S)
        return Counts(int(_number(answer["params"])), int(_number(answer["macs"])))

    def open(self, case_id: str) -> float:
        """Builds a case in the place of the last one; the median seconds of a call. Raises ArmError as `count` does."""
        self._call_s = _number(self._ask({"do": "open", "case": case_id}, OPEN_LIMIT_S)["call_s"])
        return self._call_s

    def call(self, slowdown: float = 0.0) -> float:
        """Seconds of one call of the case that is open; raises ArmError as `count` does.

        With `slowdown`, real work that takes this share of a call runs inside it.
        """
        answer = self._ask({"do": "call", "slowdown": slowdown}, CALL_LIMIT_S + PATIENCE * self._call_s)
        return _number(answer["ns"]) * 1e-9

    @property
    def alive(self) -> bool:
        """Does the process still run?"""
        return self._process.poll() is None

    def close(self) -> None:
        """Ends the process, by force where it does not end by itself."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _ask(self, question: Mapping[str, Json], limit_s: float) -> Mapping[str, Json]:
        self.hello()
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._died() from None
        answer = self._read(limit_s)
        if "failed" in answer:
            raise ArmError(str(answer["failed"]))
        return answer

    def _read(self, limit_s: float) -> Mapping[str, Json]:
        """One line from the worker; what does not come in time is a hang, and the worker is killed."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._partial:
                if not selector.select(limit_s):
                    self._process.kill()
                    raise ArmError(f"no answer within {limit_s:.0f} s")
                chunk = os.read(self._process.stdout.fileno(), 65536)
                if not chunk:
                    raise self._died()
                self._partial += chunk
        line, _, self._partial = self._partial.partition(b"\n")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def _died(self) -> ArmError:
        code = self._process.wait()
        lines = self._log.read_text("utf-8", errors="replace")[-_TAIL:].strip().splitlines()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return ArmError(f"the process of {self.name} died ({how}){': ' + lines[-1] if lines else ''}")


def _list(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value


def _number(value: Json) -> float:
    assert isinstance(value, int | float)
    return float(value)

"""A process that is asked over a pipe, in JSON lines: another checkout, another python, anybody's program."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.missing import Json

_TAIL = 400
"""Characters of what a dead process wrote last."""


class WorkerError(Exception):
    """A process died, hung or could not do what it was asked for; the text says which."""


class LineProcess:
    """A running process that answers each line with a line, after a first one of its own; close it after use."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """Starts it beside `log`, which takes what it writes to standard error; raises OSError where it cannot run."""
        self.name = name
        self._log = log
        self._partial = b""
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(environment),
                cwd=log.parent,
            )

    def ask(self, question: Mapping[str, Json], limit_s: float) -> Mapping[str, Json]:
        """The answer to a question; raises WorkerError, with the reason where it says that it failed."""
        self.tell(question)
        return self.hear(limit_s)

    def tell(self, question: Mapping[str, Json]) -> None:
        """Asks without waiting for the answer; raises WorkerError where nobody listens."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._died() from None

    def hear(self, limit_s: float) -> Mapping[str, Json]:
        """The next line; what does not come in time is a hang, and the process is killed. Raises as `ask` does."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._partial:
                if not selector.select(limit_s):
                    self._process.kill()
                    raise WorkerError(f"no answer within {limit_s:.0f} s")
                chunk = os.read(self._process.stdout.fileno(), 65536)
                if not chunk:
                    raise self._died()
                self._partial += chunk
        line, _, self._partial = self._partial.partition(b"\n")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        if "failed" in answer:
            raise WorkerError(str(answer["failed"]))
        return answer

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

    def _died(self) -> WorkerError:
        code = self._process.wait()
        lines = self._log.read_text("utf-8", errors="replace")[-_TAIL:].strip().splitlines()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return WorkerError(f"the process of {self.name} died ({how}){': ' + lines[-1] if lines else ''}")

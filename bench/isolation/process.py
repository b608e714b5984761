"""The process that measures, as the session sees it: started when needed, given up when it dies or hangs."""

from __future__ import annotations

import multiprocessing
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from bench.cases import Case
from bench.isolation.questions import Again, Answer, Make, Pace
from bench.isolation.worker import serve
from bench.measure import Measure
from bench.profiles import Profile
from bench.record import CaseRecord
from bench.settled import settled, told
from emtm.temporary import sweep

START_LIMIT_S = 300.0


class LostError(Exception):
    """The process ended, or had to be ended, before it answered; the text says how."""


class Process:
    """Measures in a process of its own, with at most `threads`; another one takes its place when it is lost."""

    def __init__(self, profile: Profile, threads: int) -> None:
        self._profile, self._threads = profile, threads
        self._running: tuple[SpawnProcess, Connection] | None = None

    def measure(self, case: Case, record: CaseRecord, measure: Measure) -> Answer:
        """Makes a measure on a case of which `record` is known so far; raises LostError."""
        answer = self._ask(Make(case, record, measure.name), self._profile.patience_s)
        assert isinstance(answer, Answer)
        return answer

    def repeat(self, case: Case) -> Pace | None:
        """Times some calls of a case, if they are not too dear; raises LostError."""
        answer = self._ask(Again(case), self._profile.patience_s)
        assert answer is None or isinstance(answer, Pace)
        return answer

    def close(self) -> None:
        """Ends the process, if there is one, and removes its temporary files."""
        if self._running is not None:
            process, line = self._running
            self._running = None
            line.close()
            process.kill()
            process.join()
            sweep(Path(tempfile.gettempdir()))

    def _ask(self, question: Make | Again, limit_s: float) -> object:
        process, line = self._running or self._start()
        try:
            line.send(question)
        except OSError:
            raise self._lost(process) from None
        return self._wait(process, line, limit_s)

    def _start(self) -> tuple[SpawnProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self._profile), name="emtm-bench", daemon=True)
        with _deaf_to_interrupts(), told(settled(self._threads)):
            process.start()
        theirs.close()
        self._running = process, ours
        self._wait(process, ours, START_LIMIT_S)
        return self._running

    def _wait(self, process: SpawnProcess, line: Connection, limit_s: float) -> object:
        """What the process says; one that says nothing for so long is ended."""
        ready = wait([line, process.sentinel], limit_s)
        if not ready:
            self.close()
            raise LostError(f"no end within {limit_s:.0f} s")
        try:
            return line.recv()
        except (EOFError, OSError):
            raise self._lost(process) from None

    def _lost(self, process: SpawnProcess) -> LostError:
        process.join()
        self.close()
        code = process.exitcode or 0
        if code >= 0:
            return LostError(f"the process ended by itself, with exit code {code}")
        name = signal.Signals(-code).name
        return LostError(f"the process was ended by {name}{_GUESS.get(name, '')}")


_GUESS = {"SIGKILL": ", as the system does when memory runs out"}


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A process that is started meanwhile does not hear Ctrl-C, not even while it loads."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

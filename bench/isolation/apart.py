"""A process of its own that answers questions: started when needed, given up when it dies or hangs."""

from __future__ import annotations

import multiprocessing
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from bench.settled import settled, told
from emtm.temporary import sweep

START_LIMIT_S = 300.0


class LostError(Exception):
    """The process ended, or had to be ended, before it answered; the text says how."""


class Apart:
    """Runs `serve(line, *arguments)` with at most `threads`; another process takes its place when it is lost.

    `serve` says something first, when it is ready, within `start_limit_s`, and then answers each question once.
    """

    def __init__(
        self,
        serve: Callable[..., None],
        arguments: tuple[object, ...],
        threads: int,
        start_limit_s: float = START_LIMIT_S,
    ) -> None:
        self._serve, self._arguments = serve, arguments
        self._threads, self._start_limit_s = threads, start_limit_s
        self._running: tuple[SpawnProcess, Connection] | None = None

    def ask(self, question: object, limit_s: float) -> object:
        """The answer to a question; raises LostError where there is none within `limit_s` seconds."""
        process, line = self._running or self._start()
        try:
            line.send(question)
        except OSError:
            raise self._lost(process) from None
        return self._wait(process, line, limit_s)

    def close(self) -> None:
        """Ends the process, if there is one, and removes its temporary files."""
        if self._running is not None:
            process, line = self._running
            self._running = None
            line.close()
            process.kill()
            process.join()
            sweep(Path(tempfile.gettempdir()))

    def _start(self) -> tuple[SpawnProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=self._serve, args=(theirs, *self._arguments), name="emtm-bench", daemon=True)
        with _deaf_to_interrupts(), told(settled(self._threads)):
            process.start()
        theirs.close()
        self._running = process, ours
        self._wait(process, ours, self._start_limit_s)
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

"""The moments at which a process changes files, counted and written down, one of which can be its last.

Python tells of files that are opened, renamed and removed; a file that is synced has been written. Each is a moment
before it happens; a file that was written has one more, in which half of it is there.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_CHANGES = {
    "os.rename": "rename",
    "os.remove": "remove",
    "os.rmdir": "remove folder",
    "os.mkdir": "make folder",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """What is about to happen to which path; of a rename the new one."""

    kind: str
    path: Path

    @property
    def line(self) -> str:
        """As it is written down."""
        return f"{self.kind}\t{self.path}\n"


def read_moments(log: Path) -> list[Moment]:
    """What `Watch` wrote down."""
    lines = [line.partition("\t") for line in log.read_text("utf-8").splitlines()] if log.exists() else []
    return [Moment(kind, Path(path)) for kind, _, path in lines]


class Watch:
    """Counts the moments of this process, and of those that it forks, below some folders; at one of them all end."""

    def __init__(self, places: Iterable[Path], log: Path, last: int | None = None) -> None:
        self._places = [place.absolute() for place in places]
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
        self._last, self._met = last, multiprocessing.Value("l", 0)
        self._leader, self._silent = 0, False
        self._fsync = os.fsync

    def install(self) -> None:
        """Watch from here on, until the process ends, which ends with all that it forks."""
        self._leader = os.getpid()
        os.fsync = self._synced
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._silent or (event != "open" and event not in _CHANGES):
            return
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, int) or not (set(mode or "") & set("wax+") or flags & _WRITES):
                return
            self._meet("open", path)
        elif event == "os.rename":
            self._meet("rename", arguments[1])
        else:
            self._meet(_CHANGES[event], arguments[0], arguments[-1])

    def _synced(self, fd: Any) -> None:
        number = fd if isinstance(fd, int) else fd.fileno()
        path = Path(f"/proc/self/fd/{number}")
        if stat.S_ISDIR(os.fstat(number).st_mode):
            self._meet("sync folder", path.readlink())
        else:
            self._meet("half", path.readlink())
            self._meet("written", path.readlink())
        self._fsync(number)

    def _meet(self, kind: str, path: Any, folder: int = -1) -> None:
        found = Path(os.fsdecode(path))
        if folder >= 0:
            with contextlib.suppress(OSError):
                found = Path(f"/proc/self/fd/{folder}").readlink() / found
        found = Path.cwd() / found
        if not any(found.is_relative_to(place) for place in self._places):
            return
        if kind == "remove" and not os.path.lexists(found):
            return
        with self._met.get_lock():
            self._met.value += 1
            os.write(self._log, Moment(kind, found).line.encode())
            if self._met.value == self._last:
                self._end(kind, found)

    def _end(self, kind: str, path: Path) -> None:
        if kind == "half":
            self._silent = True
            os.truncate(path, path.stat().st_size // 2)
        os.kill(self._leader, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

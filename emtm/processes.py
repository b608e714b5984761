"""What processes owe each other: one at a time in a directory, none that outlives its parent, all ended alike."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from emtm.errors import UserError
from emtm.temporary import LOCK, SUFFIX, is_at, sweep, try_lock

_TRIES = 1000
_WAIT_S, _POLL_S = 2.0, 0.05
"""A process that was killed lets go of its directory a moment later."""


@contextmanager
def held(folder: Path, instead: str = "choose another --out") -> Iterator[None]:
    """`folder` is this process's alone meanwhile; if it is not there it is made, and removed again if it stays empty.

    The system lets go of it when the process ends, however it ends. What killed processes left in it is removed.
    Nothing is held on Windows, and on file systems that know no locks.

    Raises:
        UserError: another process is at work in it, or it cannot be made.
    """
    made = _missing(folder)
    try:
        handle = None if sys.platform == "win32" else _taken(folder, folder, os.O_RDONLY)
        folder.mkdir(parents=True, exist_ok=True)
    except BlockingIOError:
        raise UserError(f"another process is at work in {folder}; wait for it, or {instead}") from None
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}") from error
    sweep(folder)
    try:
        yield
    finally:
        _remove_empty(made)
        if handle is not None:
            os.close(handle)


@contextmanager
def reserved(path: Path) -> Iterator[None]:
    """The name `path`, of a file or of a folder that is replaced whole, is this process's alone to write meanwhile.

    As `held`, by a file beside it that goes at the end; folders that were made for it go too if they stay empty.

    Raises:
        UserError: another process is about to write it, or it cannot be written.
    """
    lock = path.parent / f".{path.name}.{LOCK}{SUFFIX}"
    made = _missing(path.parent)
    try:
        handle = _taken(path.parent, lock, os.O_RDWR | os.O_CREAT)
    except BlockingIOError:
        raise UserError(f"another process is about to write {path}; wait for it, or choose another name") from None
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
    sweep(path.parent)
    try:
        yield
    finally:
        if sys.platform == "win32":  # An open file cannot be removed there.
            os.close(handle)
        with contextlib.suppress(OSError):
            lock.unlink()
        if sys.platform != "win32":
            os.close(handle)
        _remove_empty(made)


def _missing(folder: Path) -> list[Path]:
    """What has to be made for the folder to be there, itself first."""
    return [one for one in (folder, *folder.parents) if not one.exists()]


def _remove_empty(made: Sequence[Path]) -> None:
    with contextlib.suppress(OSError):  # One is not empty: something was made in it.
        for folder in made:
            folder.rmdir()


def _taken(folder: Path, path: Path, flags: int) -> int:
    """A locked handle of `path`, which is `folder` or a file in it; raises BlockingIOError where another has it."""
    for _ in range(_TRIES):
        # Whoever had it removes it at the end, and the folders with it, at any moment of these.
        with contextlib.suppress(FileNotFoundError):
            folder.mkdir(parents=True, exist_ok=True)
            handle = _locked(path, flags)
            if is_at(handle, path):
                return handle
            os.close(handle)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def _locked(path: Path, flags: int) -> int:
    """An open handle with a lock, or without where there are none."""
    handle, ends = os.open(path, flags, 0o666), time.monotonic() + _WAIT_S
    while True:
        try:
            try_lock(handle)
            return handle
        except BlockingIOError:
            if time.monotonic() > ends:
                os.close(handle)
                raise
            time.sleep(_POLL_S)


def serve_parent() -> None:
    """To be called first in a process that `multiprocessing` started: it ends with its parent, and leaves Ctrl-C to it.

    Waiting takes no time from what the process does.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends what is done meanwhile as Ctrl-C does; unchanged outside of the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt

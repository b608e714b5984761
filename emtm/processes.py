"""What processes owe each other: one at a time in a directory, none that outlives its parent, all ended alike."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from emtm.errors import UserError

_WAIT_S, _POLL_S = 2.0, 0.05
"""A process that was killed lets go of its directory a moment later."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """`folder` is this process's alone meanwhile; it is made if it is not there, and removed again if it stays empty.

    The system lets go of it when the process ends, however it ends. Nothing is held on Windows, and on file systems
    that know no locks.

    Raises:
        UserError: another process is at work in it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _locked(folder)
    except BlockingIOError:
        raise UserError(f"another process is at work in {folder}; wait for it, or choose another --out") from None
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # It is not empty: something was made in it.
            folder.rmdir()
        if handle is not None:
            os.close(handle)


def _locked(folder: Path) -> int | None:
    """An open handle of the folder with a lock; None where there are no locks. Raises BlockingIOError."""
    if sys.platform == "win32":
        return None
    import fcntl

    handle, ends = os.open(folder, os.O_RDONLY), time.monotonic() + _WAIT_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() > ends:
                os.close(handle)
                raise
            time.sleep(_POLL_S)
        except OSError:
            os.close(handle)
            return None


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

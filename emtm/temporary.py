"""Temporary files and folders, which a killed process leaves behind and the next one that writes there removes.

Their names end in `.emtm`, and a lock is held on each while its process lives: the system lets go of it when the
process ends, however it ends. So what can be locked is nobody's any more. What has another name or another owner, or
lies on a file system that knows no locks, stays.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

SUFFIX = ".emtm"
LOCK = "lock"
_NAME = re.compile(rf"\..+\.(?:[0-9a-f]{{8}}|{LOCK}){re.escape(SUFFIX)}", re.DOTALL)


def try_lock(handle: int) -> bool:
    """Lock an open file or folder until it is closed; False where there are no locks. Raises BlockingIOError."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def is_at(handle: int, path: Path) -> bool:
    """Whether the open file or folder is the one of this name still, or the one that a link of this name leads to."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def temporary_file(beside: Path) -> Iterator[Path]:
    """An empty file in the folder of `beside`, with the mode that umask gives; removed unless it was renamed."""

    def make(path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)

    path, handle = _made(beside, make)
    try:
        if sys.platform == "win32":  # An open file cannot be renamed there.
            os.close(handle)
        yield path
    finally:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        if sys.platform != "win32":
            os.close(handle)


@contextmanager
def temporary_folder(beside: Path, mode: int = 0o777) -> Iterator[Path]:
    """An empty folder in the folder of `beside`, with what umask leaves of `mode`; removed with all that is in it.

    What has its name at the end is removed, so that what was exchanged with it goes.
    """

    def make(path: Path) -> int:
        path.mkdir(mode)
        return os.open(path, os.O_RDONLY) if sys.platform != "win32" else -1

    path, handle = _made(beside, make)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if handle >= 0:
            os.close(handle)


@contextmanager
def scratch(kind: str) -> Iterator[Path]:
    """A folder for what a process needs while it lives, in the system's folder for such things."""
    place = Path(tempfile.gettempdir()) / f"emtm-{kind}"
    sweep(place.parent)
    with temporary_folder(place, 0o700) as folder:
        yield folder


def sweep(folder: Path) -> None:
    """Remove what dead processes left in the folder; never fails."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if _NAME.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):
                _remove_dead(folder / name)


@cache
def sweep_once(folder: Path) -> None:
    """`sweep`, the first time that this process writes there."""
    sweep(folder)


def _made(beside: Path, make: Callable[[Path], int]) -> tuple[Path, int]:
    """A new name, and the locked handle of what `make` made there."""
    while True:
        path = beside.parent / f".{beside.name}.{secrets.token_hex(4)}{SUFFIX}"
        try:
            handle = make(path)
        except FileExistsError:
            continue
        with contextlib.suppress(BlockingIOError):
            if handle < 0 or not try_lock(handle) or is_at(handle, path):
                return path, handle
        os.close(handle)  # It was swept before it was locked.


def _remove_dead(path: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid() or not try_lock(handle) or not is_at(handle, path):
            return
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(path)
        elif stat.S_ISREG(status.st_mode):
            path.unlink()
    finally:
        os.close(handle)

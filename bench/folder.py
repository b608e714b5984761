"""A folder of generated files, replaced so that a reader finds the old one or the whole new one."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from emtm.errors import UserError
from emtm.temporary import SUFFIX, temporary_folder

_AT_FDCWD, _EXCHANGE = -100, 2
_NOT_HERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)


def replace_folder(files: Mapping[str, bytes], out: Path, what: str, proof: str) -> None:
    """Make `out` hold exactly these files, which are `what`; an older one there is known by its file `proof`.

    The name is this process's alone: see `emtm.processes.reserved`. Where the system exchanges folders at once, `out`
    is there at any moment. Elsewhere it is gone for a moment; a process that is killed then leaves the old one beside
    it, and the next call puts that back.

    Raises UserError when it cannot be written, or holds something else: a mistyped path must not cost anybody
    their files.
    """
    try:
        _repair(out)
        if out.is_symlink() or (out.exists() and not out.is_dir()):
            raise UserError(f"cannot write the {what} to {out}: it is not a folder")
        if out.exists() and any(out.iterdir()) and not (out / proof).is_file():
            raise UserError(f"cannot write the {what} to {out}: it holds files that are not a {what}")
        out.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(out) as fresh:
            _fill(fresh, files)
            _swap(fresh, out)
    except OSError as error:
        raise UserError(f"cannot write the {what} to {out}: {error.strerror}") from None


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _swap(fresh: Path, out: Path) -> None:
    if not out.exists():
        fresh.rename(out)
    elif not exchange(fresh, out):
        _step_aside(fresh, out)


def exchange(one: Path, other: Path) -> bool:
    """Each takes the other's name at once; False where the system cannot do that. Raises OSError."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
    if rename is None:
        return False
    sys.audit("os.rename", str(one), str(other), -1, -1)  # as `os.rename` does
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_HERE:
        return False
    raise OSError(code, os.strerror(code), str(other))


def _step_aside(fresh: Path, out: Path) -> None:
    """A folder cannot replace one that is not empty, so the old one steps aside first."""
    old = _aside(out)
    out.rename(old)
    try:
        fresh.rename(out)
    except OSError:
        with contextlib.suppress(OSError):
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _repair(out: Path) -> None:
    """Put back what stepped aside for one that never came, or remove it if that one is there."""
    old = _aside(out)
    if old.is_dir() and not old.is_symlink():
        if out.exists():
            shutil.rmtree(old)
        else:
            old.rename(out)


def _aside(out: Path) -> Path:
    return out.parent / f".{out.name}.old{SUFFIX}"

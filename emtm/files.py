"""Where files are kept that can be made again, and writing so that readers see the old file or the whole new one."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar

from emtm.errors import UserError
from emtm.temporary import sweep_once, temporary_file

T = TypeVar("T")
_CHUNK = 2**16


def cache_dir() -> Path:
    """The user's cache directory, or `$EMTM_CACHE` where that is set; it need not exist."""
    if found := os.environ.get("EMTM_CACHE"):
        return Path(found)
    import platformdirs  # not there where an exported model runs, which keeps nothing

    return Path(platformdirs.user_cache_dir("emtm-bench"))


def kept(name: str, compute: Callable[[], T], sound: Callable[[T], bool] = lambda value: True) -> T:
    """What `compute` gives, as JSON has it; from the file `name` of the cache directory once it is there.

    A file that cannot be read, whose content is not what was written under this name, or of which `sound` says no, is
    replaced; a cache that cannot be written costs time, not the answer.
    """
    path = cache_dir() / name
    with contextlib.suppress(UserError, KeyError, TypeError, AttributeError):
        stored = read_json(path)
        known: T = stored["value"]
        if stored["sha256"] == _seal(name, known) and sound(known):
            return known
    found = compute()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_text(json.dumps({"sha256": _seal(name, found), "value": found}, indent=1), "utf-8")
    return found


def _seal(name: str, value: object) -> str:
    return hashlib.sha256(json.dumps([name, value]).encode()).hexdigest()


def read_json(path: Path) -> Any:
    """Content of a JSON file, all numbers of which are finite.

    Raises:
        UserError: it cannot be read, is not UTF-8 or not JSON, or nests more deeply than Python reads.
    """
    try:
        return parse_json(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}") from None


def parse_json(text: str | bytes) -> Any:
    """Content of a JSON text, all numbers of which are finite; ValueError, which says why, for any other text."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON (line {error.lineno}, column {error.colno}: {error.msg})") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_text(value: Any, indent: int | None = 2) -> str:
    """A value as JSON; raises UserError that names the place of a number that is not finite."""
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:
        place = next(_not_finite(value, "the value"), None)
        if place is None:
            raise
        raise UserError(f"{place} is NaN or infinite, which JSON cannot hold") from None


def _not_finite(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield place
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _not_finite(item, str(key) if place == "the value" else f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _not_finite(item, f"{place}[{index}]")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block succeeds, and goes when it does not.

    The new content has reached the disk when the block is left, so that no loss of power takes it back.
    """
    with replacing_together([path]) as (partial,):
        yield partial


@contextmanager
def replacing_together(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """As `replacing` for several files, none of which is replaced before all are written."""
    folders = list(dict.fromkeys(path.parent for path in paths))
    for folder in folders:
        sweep_once(folder)
    with ExitStack() as files:
        partials = [files.enter_context(temporary_file(path)) for path in paths]
        yield partials
        for partial in partials:
            sync(partial)
        for partial, path in zip(partials, paths, strict=True):
            partial.replace(path)
        for folder in folders:
            sync(folder)


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file, and have it reach the disk; half a line of a killed process goes."""
    with path.open("ab+") as file:
        file.truncate(_whole_lines(file))
        file.write(line.encode() + b"\n")
    sync(path)
    sync(path.parent)


def _whole_lines(file: BinaryIO) -> int:
    """Where the last line ends."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _CHUNK)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def sync(path: Path) -> None:
    """Have what was written to a file, or the names in a folder, reach the disk."""
    if sys.platform == "win32" and path.is_dir():  # Folders cannot be opened there.
        return
    handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems have no such call for folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)

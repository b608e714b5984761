"""Where files are kept that can be made again, and writing so that readers see the old file or the whole new one."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import platformdirs

T = TypeVar("T")


def cache_dir() -> Path:
    """The user's cache directory, or `$EMTM_CACHE` where that is set; it need not exist."""
    return Path(os.environ.get("EMTM_CACHE") or platformdirs.user_cache_dir("emtm-bench"))


def kept(name: str, compute: Callable[[], T]) -> T:
    """What `compute` gives, as JSON has it; from the file `name` of the cache directory once it is there.

    A file that cannot be read is replaced; a cache that cannot be written costs time, not the answer.
    """
    path = cache_dir() / name
    with contextlib.suppress(OSError, ValueError):
        known: T = json.loads(path.read_text("utf-8"))
        return known
    found = compute()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_text(json.dumps(found, indent=1), "utf-8")
    return found


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block succeeds, and goes when it does not."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o644)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise

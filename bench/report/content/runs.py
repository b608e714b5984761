"""Which run file is meant when none is named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from emtm.errors import UserError

FOLDERS = (Path("reports/runs"), Path("reports/reference"))
"""The user's own runs come before the reference runs that the repository holds."""


def any_run(folders: Sequence[Path] = FOLDERS) -> bool:
    """Is there a run in any folder?"""
    return any(True for _ in newest_first(folders))


def newest(folders: Sequence[Path] = FOLDERS) -> Path:
    """The run measured last in the first folder that holds one.

    Raises UserError when no folder holds a run.
    """
    for path in newest_first(folders):
        return path
    raise UserError("there is no run to report yet: make one with `pytest bench/ --benchmark-only`")


def newest_first(folders: Sequence[Path] = FOLDERS) -> Iterator[Path]:
    """All runs, folder by folder, in each the one measured last first; what calls itself something else is left out."""
    for folder in folders:
        texts = {path: path.read_text("utf-8", errors="replace") for path in folder.glob("*.json")}
        runs = [path for path, text in texts.items() if not re.match(r'\s*\{\s*"format"', text)]
        yield from sorted(runs, key=lambda path: (_created(texts[path]), path.name), reverse=True)


def _created(text: str) -> str:
    """When the run was made by its own account: a checkout gives every file the time of the checkout."""
    match = re.search(r'"created_utc":\s*"([^"]*)"', text)
    return match[1] if match else ""

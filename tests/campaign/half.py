"""What a half of the campaign is, and the file that keeps what both found."""

from __future__ import annotations

import json
import platform
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.git import git
from emtm.files import read_json, replacing

Found = dict[str, Any]
"""What a half found, as JSON; its `failures` are a list, empty where all went as it should."""


@dataclass(frozen=True, slots=True)
class Half:
    """One of the two: its word on the command line, which is its key in the file too."""

    name: str
    about: str
    options: Callable[[ArgumentParser], object]
    run: Callable[[Namespace], Found]


def origin() -> Found:
    """The code and the machine that a half was run with."""
    root = Path(__file__).parents[2]
    return {
        "made_utc": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "commit": git(root, "rev-parse", "HEAD"),
        "dirty": bool(git(root, "status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }


def keep(path: Path, half: Half, found: Found) -> None:
    """Put what a half found into the file; what the other one found stays."""
    doc = read_json(path) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        text = json.dumps({**doc, half.name: found}, indent=1, sort_keys=True, allow_nan=False)
        partial.write_text(text + "\n", "utf-8")

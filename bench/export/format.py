"""What a format is: a function from a run to files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.run import Run


@dataclass(frozen=True, slots=True)
class Rendering:
    """What an export writes and says."""

    files: Mapping[str, str]
    """Contents by path under the output folder; a format of one file has the path `.`."""
    removed: tuple[str, ...] = ()
    """Files of an earlier export that would be taken for parts of this one."""
    notes: tuple[str, ...] = ()
    """Sentences about what the consumer will not show as it is."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of dashboard or table."""

    name: str
    out: Literal["file", "folder"]
    summary: str
    render: Callable[[Run, Path], Rendering]
    """Of a run and the output path, from which a format that accumulates reads what is there already.

    Raises UserError where the consumer has no place for the run.
    """

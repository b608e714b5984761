"""A command that takes a while, and what it promises."""

from __future__ import annotations

from dataclasses import dataclass

WRITES = frozenset({"half", "written", "rename", "sync folder", "remove"})
"""Every moment at which what lies on the disk changes, or may be found half done."""
FILLS = frozenset({"open", "rename", "remove"})
"""Of a folder that is filled beside the old one, exchanged for it, and of the old one's removal."""
RENAMES = frozenset({"rename", "sync folder"})
"""Before each rename, and right after it; for what takes long."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is run and killed, and how it is gone on with."""

    name: str
    module: str
    """As `python -m` names it."""
    arguments: tuple[str, ...]
    """Paths are relative to the folder that holds a copy of the specimen."""
    specimen: str
    """Name of the files that are there before, of `specimens`."""
    out: str = ""
    """What it writes: no second process may at the same time."""
    works_in_out: bool = False
    """It is a folder that the command works in; otherwise its name is reserved."""
    again: tuple[str, ...] = ()
    """What is added to go on."""
    kinds: frozenset[str] = WRITES
    """The moments at which it is killed."""
    most: int | None = None
    """Of each kind, evenly spaced; None is all of them, but for what `run.ALIKE` says."""
    at_random: int = 3
    """Kills at moments that nobody chose."""
    replaced: str = ""
    """A folder that is there before, and is the old one or the new one at any moment."""
    refused_when_done: str = ""
    """A file that must not be there when the command begins: it is refused where the killed one had finished it."""
    cold: bool = False
    """Its cache is empty, and looked at."""
    ends: frozenset[int] = frozenset({0})
    """Exit codes of one that nobody kills: some tell what was measured."""

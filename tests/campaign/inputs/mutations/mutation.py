"""One way to spoil a file, or a command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is done to a file."""

    kind: str
    """The way, for the count."""
    what: str
    """Exactly what, for whoever looks at a failure."""
    spoil: Callable[[Path], object]
    arguments: tuple[str, ...] | None = None
    """The command line, where it is what is spoiled."""

    def __repr__(self) -> str:
        return f"{self.kind}: {self.what}"


def written(kind: str, what: str, content: bytes) -> Mutation:
    """The file has other content."""
    return Mutation(kind, what, lambda path: path.write_bytes(content))

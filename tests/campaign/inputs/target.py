"""A command that reads a file."""

from __future__ import annotations

from dataclasses import dataclass

from emtm.errors import ExitCode

FINE = frozenset({int(ExitCode.FINE)})


@dataclass(frozen=True, slots=True)
class Target:
    """What is run, with which files, and which of them is spoiled."""

    module: str
    """As `python -m` names it."""
    arguments: tuple[str, ...]
    """Paths are relative to the folder that holds a copy of the specimen."""
    specimen: str
    """Name of the files, of `specimens`."""
    file: str
    """The one that is spoiled."""
    form: str
    """How it is spoiled, of `mutations`."""
    results: frozenset[int] = FINE
    """Exit codes of a result; 2, and 7 for run files, are those of a refusal."""
    writes: tuple[str, ...] = ("out",)
    """Where a result may put files."""
    share: float = 1.0
    """Of inputs, against other targets; less where a command takes long."""

    @property
    def command(self) -> str:
        """As one calls it."""
        first = self.arguments[0] if self.arguments and not self.arguments[0].startswith("-") else ""
        return f"{self.module} {first}".strip() if self.module != "bench.count" else self.module

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.command}: {self.file}"

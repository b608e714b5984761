"""A command that reads a file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from emtm.errors import ExitCode
from tests.shared import SHARED

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
    """The one that is spoiled; empty where it is the command line."""
    form: str
    """How it is spoiled, of `mutations`."""
    results: frozenset[int] = FINE
    """Exit codes of a result; 2, and 7 for run files, are those of a refusal."""
    writes: tuple[str, ...] = ("out",)
    """Where a result may put files."""
    sound: bool = True
    """The files as they are give a result; what does not would take minutes."""
    share: float = 1.0
    """Of inputs, against other targets; less where a command takes long."""
    needs: tuple[str, ...] = ()
    """Modules that are not always there, or `shared` for the reference material."""
    cache: str = ""
    """Folder of the cache, where that is what is spoiled."""

    @property
    def command(self) -> str:
        """As one calls it."""
        named = self.arguments and self.module != "bench.count"
        return f"{self.module} {self.arguments[0]}" if named else self.module

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.command}: {self.file or 'its arguments'}"

    @property
    def there(self) -> bool:
        """Whether what it needs is."""
        return all(SHARED.is_dir() if need == "shared" else find_spec(need) for need in self.needs)

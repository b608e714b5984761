"""What is asked of the commands, and the files that hold it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.limits import loads

Command = tuple[str, ...]
"""A module and its arguments; `{}` is the folder of the files."""
_RUN, _LATER = "runs/base.json", "runs/head.json"


@dataclass(frozen=True, slots=True)
class Task:
    """Commands that take the same files."""

    what: str
    size: int
    """Of the whole; less with a share."""
    unit: str
    make: Callable[[Path, int], object]
    """Writes files of a size into a folder."""
    commands: tuple[Command, ...]

    def scaled(self, share: float) -> int:
        """A share of the size, and enough to be something."""
        return max(int(self.size * share), 3)


def _predictions(folder: Path, size: int) -> None:
    loads.own_lines(folder / "truth.jsonl", size)
    loads.predictions(folder / "predictions.jsonl", size)


def _runs(folder: Path, size: int) -> None:
    loads.cases(folder / _RUN, size)
    loads.cases(folder / _LATER, size, slower=1.001, at="20261124T101911Z")


_CUSTOM = ("--dataset", "custom", "--name", "many")
TASKS = (
    Task(
        "predictions of five moments",
        1_000_000,
        "queries",
        _predictions,
        (("emtm", "score", "{}/predictions.jsonl", "--annotations", "{}/truth.jsonl", *_CUSTOM, "--json"),),
    ),
    Task(
        "a folder with features in one HDF5 file",
        100_000,
        "videos",
        lambda folder, size: loads.videos(folder / "many", size),
        (("emtm", "prepare", "custom", "--root", "{}/many", "--json"),),
    ),
    Task(
        "a run file",
        10_000,
        "cases",
        _runs,
        (
            ("bench.report", "validate", f"{{}}/{_RUN}"),
            ("bench.report", "compare", f"{{}}/{_RUN}", f"{{}}/{_LATER}"),
            ("bench.report", "history", "{}/runs", "--out", "{}/site"),
            *(("bench.report", "export", "--to", to, f"{{}}/{_RUN}", "--out", f"{{}}/{to}") for to in ("csv", "junit")),
            ("bench.report", f"{{}}/{_RUN}", "--out", "{}/report"),
        ),
    ),
    Task(
        "an annotation file",
        1_000_000_000,
        "bytes",
        lambda folder, size: loads.annotations_of_size(folder / "large.jsonl", size),
        (("emtm", "score", "--ceiling", "--annotations", "{}/large.jsonl", *_CUSTOM, "--json"),),
    ),
)


def called(command: Command) -> str:
    """The command as a table names it."""
    program, *rest = command
    words = [word for word in rest if not word.startswith(("-", "{"))]
    if program == "bench.report":
        return "report" if not words else f"report {words[0]}" + (f" --to {command[3]}" if words[0] == "export" else "")
    return f"emtm {words[0]}" + (" --ceiling" if "--ceiling" in command else "")

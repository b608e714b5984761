"""Sound files of every form, made once and copied for every input."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from bench.run import Run
from tests.verdict.runs import case, failed, run, scored, written

Make = Callable[["Specimens", Path], object]
_MAKERS: dict[str, Make] = {}


class Specimens:
    """Folders of sound files by name, each made when it is first asked for."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def folder(self, name: str) -> Path:
        """The folder; it is copied, never changed."""
        folder = self.place / name
        if not folder.exists():
            making = self.place / f"{name}.making"
            making.mkdir(parents=True)
            _MAKERS[name](self, making)
            making.rename(folder)
        return folder

    def copy(self, name: str, into: Path) -> None:
        """All files of one specimen into a folder that has others."""
        shutil.copytree(self.folder(name), into, dirs_exist_ok=True, symlinks=True)


def specimen(name: str) -> Callable[[Make], Make]:
    """Register what makes a specimen."""

    def register(make: Make) -> Make:
        _MAKERS[name] = make
        return make

    return register


def measured(slower: float = 1.0) -> Run:
    """A small run with blocks of all kinds."""
    return run(
        case(seconds=0.01 * slower, throughput={1: 90.0, 8: 400.0}, costed=99),
        case("seqpan", "smoke", seed=0, quality=scored([0.2, 0.6, 0.9], keep=True)),
        case("seqpan", scenario="train_step"),
        failed(case("eamat")),
    )


@specimen("run files")
def _run_files(_: Specimens, folder: Path) -> None:
    written(measured(), folder / "run.json")
    written(measured(1.3), folder / "other.json")


@specimen("predictions")
def _predictions(_: Specimens, folder: Path) -> None:
    from emtm.data.datasets import open_dataset

    lines = [
        {"video_id": query.video_id, "query": query.sentence, "moments": [[0.0, query.duration_s / 2, 0.5]]}
        for query in open_dataset("smoke").splits["test"]
    ]
    (folder / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")

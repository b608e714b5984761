"""Files that are there before a command is killed, small enough that a command takes a second."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.campaign.inputs.specimens import measured
from tests.ci.shell import git
from tests.history.synthetic import case_doc, params, run_doc, write
from tests.own import make_folder
from tests.verdict.runs import written

DATA = ("--dataset", "custom", "--root", "data")
TINY = ("--set", "dim=16", "--set", "batch_size=4", "--threads", "1")
VIDEOS = 6

Run = Callable[..., None]
"""Runs a program in the folder to its end: module and arguments."""


def data(folder: Path, run: Run) -> None:
    """A stranger's videos and sentences."""
    make_folder(folder / "data", "npy", VIDEOS)


def teacher(folder: Path, run: Run) -> None:
    """The same, and a run trained on them."""
    data(folder, run)
    run("emtm", "train", "vslnet", *DATA, *TINY, "--set", "epochs=1", "--out", "teacher")


def videos(folder: Path, run: Run) -> None:
    """Two videos of a few pictures."""
    from tests.videos import write_video

    (folder / "videos").mkdir()
    pictures = [np.full((48, 64, 3), 40 * place, np.uint8) for place in range(4)]
    for name in ("one", "two"):
        write_video(folder / "videos" / f"{name}.mp4", [0.0, 0.4, 0.8, 1.2], pictures=pictures)


def run_files(folder: Path, run: Run) -> None:
    """A run file, a folder of others, and a site of some of them."""
    written(measured(), folder / "run.json")
    docs = [run_doc(number, [case_doc(params=params(1000 + number // 3))]) for number in range(6)]
    write(folder / "history", docs[:3])
    run("bench.report", "history", "history", "--out", "site")
    write(folder / "history", docs)


def report(folder: Path, run: Run) -> None:
    """A run file, and a report of an older one."""
    written(measured(), folder / "run.json")
    written(measured(1.3), folder / "older.json")
    run("bench.report", "report", "older.json", "--out", "report")


def package(folder: Path, run: Run) -> None:
    """A package of one's own, which plugs no model in, with two commits."""
    place = folder / "package"
    place.mkdir()
    git(place, "init", "--quiet", "--initial-branch=main")
    for version in ("1", "2"):
        (place / "pyproject.toml").write_text(f'[project]\nname = "own"\nversion = "{version}"\n', "utf-8")
        git(place, "add", "-A")
        git(place, "commit", "--quiet", "-m", version)


SPECIMENS: dict[str, Callable[[Path, Run], None]] = {
    "nothing": lambda folder, run: None,
    "data": data,
    "teacher": teacher,
    "videos": videos,
    "run files": run_files,
    "report": report,
    "package": package,
}


class Specimens:
    """Each made when it is first asked for, in the place where it is used: runs know where their data lie."""

    def __init__(self, place: Path, run: Run) -> None:
        self._place, self._run = place, run

    def put(self, name: str, folder: Path) -> None:
        """Make `folder` hold the files, and nothing else."""
        shutil.rmtree(folder, ignore_errors=True)
        kept = self._place / name
        if not kept.exists():
            folder.mkdir(parents=True)
            SPECIMENS[name](folder, self._run)
            shutil.copytree(folder, kept)
        else:
            shutil.copytree(kept, folder)

"""Files of any size, each sound and of one kind, written a line at a time."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

from bench.codec import encode
from tests.verdict.runs import case, run

WIDTH = 8
QUERIES_A_VIDEO = 10
_SENTENCE = "she {} the {} and puts it on the shelf beside the window"
_VERBS, _THINGS = ("opens", "washes", "cuts", "lifts"), ("plate", "onion", "bottle", "box", "book")
MODELS = 100
"""Of a run file; its other cases are of other datasets."""


def own_lines(path: Path, queries: int) -> Path:
    """Lines of one's own data, ten a video."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(queries):
            file.write(json.dumps(_line(number)) + "\n")
    return path


def annotations_of_size(path: Path, num_bytes: int) -> Path:
    """The same, as many as make up a file of this size."""
    line = len(json.dumps(_line(0))) + 1
    return own_lines(path, num_bytes // line)


def predictions(path: Path, queries: int) -> Path:
    """Five moments for each of these queries."""
    rows = [[3, 7, 0.9], [9, 13, 0.7], [1, 5, 0.5], [20, 24, 0.4], [5, 9, 0.1]]
    with path.open("w", encoding="utf-8") as file:
        for number in range(queries):
            line = _line(number)
            file.write(json.dumps({"video_id": line["video_id"], "query": line["query"], "moments": rows}) + "\n")
    return path


def videos(folder: Path, count: int) -> Path:
    """A folder of one's own: a query for each video, and the features of all in one HDF5 file."""
    folder.mkdir(parents=True)
    with (folder / "queries.jsonl").open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps(_line(number * QUERIES_A_VIDEO)) + "\n")
    (folder / "features").mkdir()
    rows = np.random.default_rng(0).standard_normal((30, WIDTH)).astype(np.float32)
    with h5py.File(folder / "features" / "all.hdf5", "w", libver="latest") as store:
        for number in range(count):
            store[f"video-{number:06d}"] = rows
    return folder


def cases(path: Path, count: int, slower: float = 1.0, at: str = "20261123T101911Z") -> Path:
    """A run file of this many cases: a hundred models on as many datasets as it takes."""
    made = [
        case(f"model-{number % MODELS:02d}", f"dataset-{number // MODELS:03d}", seconds=0.01 * slower + 1e-6 * number)
        for number in range(count)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written as a run is, but not checked: that is for the command.
    path.write_text(json.dumps(encode(run(*made, at=at)), indent=1), "utf-8")
    return path


def _line(number: int) -> dict[str, object]:
    video, start = number // QUERIES_A_VIDEO, number % 17 * 1.5
    words = _SENTENCE.format(_VERBS[number % len(_VERBS)], _THINGS[number // len(_VERBS) % len(_THINGS)])
    return {
        "video_id": f"video-{video:06d}",
        "duration": 30.0,
        "query": f"{words} number {number % QUERIES_A_VIDEO}",
        "start": start,
        "end": start + 2 + number % 3,
    }

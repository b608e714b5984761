"""A stranger's folder: twenty videos with sentences and features, in the layouts that people have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

Layout = Literal["npy", "npz", "hdf5"]
VIDEOS = 20
WIDTH = 12
ACTIONS = ("opens the oven", "cuts an onion", "washes a plate", "pours milk into a bowl")


def make_folder(folder: Path, layout: Layout, videos: int = VIDEOS) -> Path:
    """Two queries a video in `folder/queries.jsonl`; a row of features a second, marked where something is done."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    lines: list[dict[str, Any]] = []
    features = {}
    for number in range(videos):
        video, duration = f"kitchen-{number:02d}", 30 + number
        rows = random.standard_normal((duration, WIDTH)).astype(np.float32)
        for half, action in enumerate(random.permutation(len(ACTIONS))[:2]):
            start = duration // 2 * half + int(random.integers(0, 5))
            end = start + int(random.integers(4, 9))
            rows[start:end, action] += 5
            query = f"she {ACTIONS[action]}"
            lines.append({"video_id": video, "duration": duration, "query": query, "start": start, "end": end})
        features[video] = rows
    (folder / "queries.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_features(folder, layout, features)
    return folder


def write_features(folder: Path, layout: Layout, features: dict[str, Any]) -> None:
    """The features of every video beside the queries, as `python -m emtm` finds them by itself."""
    place = folder / "features"
    place.mkdir()
    if layout == "hdf5":
        with h5py.File(place / "all.hdf5", "w") as file:
            for video, rows in features.items():
                file[video] = rows
    for video, rows in features.items():
        if layout == "npy":
            np.save(place / f"{video}.npy", rows)
        if layout == "npz":
            np.savez(place / f"{video}.npz", features=rows)

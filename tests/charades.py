"""A folder in the layout of Charades-STA whose test videos alone have features, as few as they are."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

WITH, WITHOUT, WIDTH = 12, 40, 6
"""Videos that have features, which are the test videos, and training videos that have none."""
DURATION_S, ACTIONS = 24.0, ("opens a door", "eats a sandwich", "reads a book")
FEATURES = "clip.h5"


def make_charades(root: Path, having: int = WITH) -> Path:
    """Annotations, durations, and features of `having` videos: two queries a video, a row a second."""
    random = np.random.default_rng(0)
    (root / "features").mkdir(parents=True)
    videos = {f"T{i:03d}": "test" for i in range(WITH)} | {f"V{i:03d}": "train" for i in range(WITHOUT)}
    lines: dict[str, list[str]] = {"train": [], "test": []}
    with h5py.File(root / "features" / FEATURES, "w") as store:
        for number, (video, split) in enumerate(videos.items()):
            rows = random.standard_normal((round(DURATION_S), WIDTH)).astype(np.float16)
            for half, action in enumerate(random.permutation(len(ACTIONS))[:2]):
                start = 12 * half + int(random.integers(0, 4))
                end = start + int(random.integers(3, 8))
                rows[start:end, action] += 4
                lines[split].append(f"{video} {start}.0 {end}.0##a person {ACTIONS[action]}.\n")
            if number < having:
                store[video] = rows
    for split, found in lines.items():
        (root / f"charades_sta_{split}.txt").write_text("".join(found))
    durations = {video: {"duration": DURATION_S, "subset": split} for video, split in videos.items()}
    (root / "charades.json").write_text(json.dumps(durations))
    return root

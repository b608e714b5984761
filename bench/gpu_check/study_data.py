"""A dataset of one's own to time a study on: sentences, and features that say nothing about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.gpu_check.plan import Plan
from emtm.data.benchmarks import BENCHMARKS

DATASET = "charades-sta"
"""Whose sizes the whole study has."""
_QUERIES = {"train": 256, "val": 32, "test": 64}
_SMALL_QUERIES = {"train": 8, "val": 2, "test": 2}
_ROWS, _SMALL_ROWS, _SMALL_WIDTH = 256, 16, 32
_QUERIES_A_VIDEO = 4
_DURATION_S = 30.0


def counts_of(plan: Plan) -> Mapping[str, int]:
    """Queries by split."""
    return _SMALL_QUERIES if plan.small else _QUERIES


def planned(split: str) -> int:
    """Queries of the benchmark's split; those held out for validation are among those of training."""
    return BENCHMARKS[DATASET].counts[split][0].queries


def made_data(plan: Plan, width: int) -> Path:
    """The folder of the dataset, made where it is not there; features are `width` wide on a card."""
    folder = plan.folder / "data"
    if not (folder / "test.jsonl").exists():  # It is written last.
        rows, width = (_SMALL_ROWS, _SMALL_WIDTH) if plan.small else (_ROWS, width)
        _write(folder, counts_of(plan), rows, width)
    return folder


def _write(folder: Path, queries: Mapping[str, int], clips: int, width: int) -> None:
    """A dataset of one's own in `folder`: sentences by split, and features `[clips, width]` of every video."""
    random, features = np.random.default_rng(0), folder / "features"
    features.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {split: [] for split in queries}
    for split, count in queries.items():
        for number in range(count):
            video = f"{split}-{number // _QUERIES_A_VIDEO}"
            if number % _QUERIES_A_VIDEO == 0:
                np.save(features / f"{video}.npy", random.standard_normal((clips, width)).astype(np.float32))
            start = float(random.uniform(0, _DURATION_S / 2))
            query = f"a person opens door number {number % 10} and then puts the book down"
            moment = {"start": start, "end": start + _DURATION_S / 4}
            line = {"video_id": video, "duration": _DURATION_S, "query": query, **moment}
            lines[split].append(json.dumps(line) + "\n")
    for split, texts in lines.items():
        (folder / f"{split}.jsonl").write_text("".join(texts), "utf-8")

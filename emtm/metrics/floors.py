"""What is reached without grounding anything: the scores under which a result means nothing.

A query-only model reaches R1@0.5 near 38 % on Charades-STA, so an accuracy is read as its distance
from the best of these floors, never from zero. All are scored by the timestamp protocol.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from emtm.data.records import Dataset, Query
from emtm.errors import UserError
from emtm.metrics.blind import durations, normalised, query_only, video_only
from emtm.metrics.iou import Array, temporal_iou
from emtm.metrics.scoring import Means

Floors = dict[str, dict[str, Any]]
Progress = Callable[[str], None]

_VERSION = 1
"""To be raised with every change of a figure, so that older cache files are not read."""
_GRID = 64
_DRAWS = 20


def floors(dataset: Dataset, split: str = "test", seed: int = 0, progress: Progress = lambda name: None) -> Floors:
    """Floors of a split by name, each `{r1: {"0.3", "0.5", "0.7"}, miou}` in percent.

    `fixed_best` and `fixed_best_miou` answer one normalised segment for every query (`segment`), chosen
    on train for R1@0.5 or mIoU; `drawn_from_train` answers the normalised moment of a random training
    query, in expectation over 20 draws; `query_only` and `video_only` are the models of
    `emtm.metrics.blind`. `progress` hears the name of each floor before it is computed.

    Raises:
        UserError: the dataset lacks training queries or the split.
    """
    train, test = _split(dataset, "train"), _split(dataset, split)
    truth = np.array([(query.start_s, query.end_s) for query in test])
    progress("fixed_best")
    by_recall, by_miou = best_segments(normalised(train))
    found = {
        "fixed_best": _fixed(by_recall, test, truth),
        "fixed_best_miou": _fixed(by_miou, test, truth),
    }
    progress("drawn_from_train")
    drawn = np.random.default_rng(seed).choice(normalised(train), (_DRAWS, len(test)))
    found["drawn_from_train"] = _figures(drawn * durations(test), truth)
    progress("query_only")
    found["query_only"] = _figures(query_only(train, test, dataset.word_vectors, seed), truth)
    progress("video_only")
    found["video_only"] = _figures(video_only(train, test, dataset.features, seed), truth)
    return found


def best_r1(floors: Mapping[str, Mapping[str, Any]], threshold: float) -> float:
    """Highest R1 at an IoU threshold among the floors, in percent."""
    return max(float(floor["r1"][str(threshold)]) for floor in floors.values())


def best_segments(moments: Array) -> tuple[Array, Array]:
    """Segments `[2]` in 64ths of the video with the most IoUs >= 1/2 and with the highest mean IoU.

    `moments` are normalised, `[Q, 2]`; among equals the earliest start, then the earliest end wins.
    """
    marks = np.arange(_GRID + 1) / _GRID
    segments, recalls, means = [], [], []
    for i in range(_GRID):
        row = np.stack([np.full(_GRID - i, marks[i]), marks[i + 1 :]], 1)
        iou = temporal_iou(row[:, None], moments)
        segments.append(row)
        recalls.append((iou >= 0.5).mean(1))
        means.append(iou.mean(1))
    grid = np.concatenate(segments)
    return grid[np.concatenate(recalls).argmax()], grid[np.concatenate(means).argmax()]


def cached_floors(dataset: Dataset, split: str = "test", progress: Progress = lambda name: None) -> Floors:
    """`floors`, kept as JSON in the user's cache directory (or `$EMTM_CACHE`) by content of the data."""
    default = platformdirs.user_cache_dir("emtm-bench")
    folder = Path(os.environ.get("EMTM_CACHE") or default) / "floors"
    path = folder / f"{dataset.name}-{split}-{_fingerprint(dataset, split)}.json"
    with contextlib.suppress(OSError, ValueError):
        kept: Floors = json.loads(path.read_text(encoding="utf-8"))
        return kept
    found = floors(dataset, split, progress=progress)
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time, not the answer
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(found, indent=1), encoding="utf-8")
        draft.replace(path)
    return found


def _fingerprint(dataset: Dataset, split: str) -> str:
    """Hash of the version, the queries, the words, and samples of vectors and features."""
    train, test = _split(dataset, "train"), _split(dataset, split)
    digest = hashlib.sha256(f"{_VERSION} {dataset.word_vectors.vectors.shape}".encode())
    digest.update(np.ascontiguousarray(dataset.word_vectors.vectors[:1000]).tobytes())
    for entry in (*train, *test, *dataset.word_vectors.words):
        digest.update(repr(entry).encode())
    digest.update(np.ascontiguousarray(dataset.features[train[0].video_id]).tobytes())
    return digest.hexdigest()[:16]


def _split(dataset: Dataset, split: str) -> Sequence[Query]:
    queries = dataset.splits.get(split, ())
    if not queries:
        known = ", ".join(dataset.splits)
        raise UserError(f"{dataset.name} has no queries in split {split!r}, only in {known}")
    return queries


def _fixed(segment: Array, test: Sequence[Query], truth: Array) -> dict[str, Any]:
    return {**_figures(segment * durations(test), truth), "segment": segment.tolist()}


def _figures(moments: Array, truth: Array) -> dict[str, Any]:
    means = Means.of(temporal_iou(moments, truth).ravel())
    return {"r1": means.r1, "miou": means.miou}

"""Charades-STA from files that the user has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emtm.data.annotations import ReadCounts, read_charades_sta, read_durations
from emtm.data.features import missing, open_store
from emtm.data.records import Dataset, FeatureStore, Query, WordVectors
from emtm.data.synthetic.config import WORLDS
from emtm.data.synthetic.grammar import word_vectors
from emtm.data.synthetic.stage import stage
from emtm.data.text import tokenize
from emtm.data.word_vectors import read_word_vectors
from emtm.errors import UserError

NAME = "charades-sta"
EMBEDDED = "embedded"
"""Given instead of a features path: stage the real queries in the embedded world."""

_FILES = {"train": "charades_sta_train.txt", "test": "charades_sta_test.txt"}
_DURATIONS = "charades.json"
_HELD_OUT = 0.1
_HOLD_OUT_SEED = 0
_WORLD = "synth-charades"

Splits = dict[str, tuple[Query, ...]]


def open_charades_sta(root: Path, features: Path | str | None, glove: Path | None) -> Dataset:
    """Read the official annotation files under `root`; see `emtm.data.datasets.open_dataset`."""
    splits, counts = read_splits(root)
    train_videos = {query.video_id for query in splits["train"]}
    val_videos = {query.video_id for query in splits["val"]}
    notes = [counts[split].note(_FILES[split]) for split in _FILES]
    notes.append(
        f"val: {len(splits['val']):,} queries of {len(val_videos)} training videos held out (seed "
        f"{_HOLD_OUT_SEED}), which leaves {len(splits['train']):,} of {len(train_videos):,} to train on"
    )
    queries = [query for part in splits.values() for query in part]
    staged = str(features) == EMBEDDED
    store: FeatureStore
    if staged:
        store = stage(queries, WORLDS[_WORLD])
        notes.append("embedded features: synthetic videos rendered for the real annotations")
    else:
        store = open_store(_features_path(root, features))
        absent = missing(store, [query.video_id for query in queries])
        if absent:
            notes.append(f"{len(absent):,} videos have no features, {absent[0]} first")
    words = {token for query in queries for token in tokenize(query.sentence)}
    vectors = _vectors(words, glove, staged)
    if staged and glove is None:
        notes.append("embedded word vectors")
    return Dataset(f"{NAME}+{EMBEDDED}" if staged else NAME, staged, splits, store, vectors, tuple(notes))


def read_splits(root: Path) -> tuple[Splits, Mapping[str, ReadCounts]]:
    """The splits train, val and test, and what reading the two official files did to them.

    There is no official validation split; every tenth training video (by a seeded shuffle) is
    held out for it.
    """
    if not root.is_dir():
        raise UserError(f"there is no directory {root}")
    absent = [name for name in (_DURATIONS, *_FILES.values()) if not (root / name).is_file()]
    if absent:
        raise UserError(f"{root} lacks {', '.join(absent)}")
    durations = read_durations(root / _DURATIONS)
    official = {split: read_charades_sta(root / name, durations) for split, name in _FILES.items()}
    train, val = _hold_out(official["train"][0])
    counts = {split: read[1] for split, read in official.items()}
    return {"train": train, "val": val, "test": official["test"][0]}, counts


def _hold_out(queries: tuple[Query, ...]) -> tuple[tuple[Query, ...], tuple[Query, ...]]:
    videos = sorted({query.video_id for query in queries})
    shuffled = np.random.default_rng(_HOLD_OUT_SEED).permutation(len(videos))
    held = {videos[i] for i in shuffled[: round(_HELD_OUT * len(videos))]}
    return (
        tuple(query for query in queries if query.video_id not in held),
        tuple(query for query in queries if query.video_id in held),
    )


def _features_path(root: Path, features: Path | str | None) -> Path:
    path = root / "features" if features is None else Path(features)
    if features is None and not path.exists():
        raise UserError(f"there is no {path}: say where the features are, or '{EMBEDDED}' for synthetic ones")
    return path


def _vectors(words: set[str], glove: Path | None, staged: bool) -> WordVectors:
    if glove is not None:
        return read_word_vectors(glove, words)
    if staged:
        return word_vectors(sorted(words), WORLDS[_WORLD].world_seed)
    raise UserError(f"{NAME} needs a file of word vectors (GloVe 840B 300-d)")

"""Datasets by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emtm.data.benchmarks import BENCHMARKS, GLOVE_SOURCE
from emtm.data.features import open_store
from emtm.data.folds import Fold, check_pool
from emtm.data.own import CUSTOM
from emtm.data.real import EMBEDDED, RealAnnotations, features_path, open_annotations, open_pool, open_real, stage_of
from emtm.data.records import Dataset
from emtm.data.synthetic.cache import load_or_generate
from emtm.data.synthetic.config import WORLDS
from emtm.data.synthetic.grammar import all_words, word_vectors
from emtm.data.synthetic.store import EmbeddedStore
from emtm.data.synthetic.world import World
from emtm.data.word_vectors import read_word_vectors
from emtm.errors import UserError, unknown

REAL = (*BENCHMARKS, CUSTOM)
"""Datasets that need files."""
NO_FOLDS = "folds are for real data of which part is at hand: {} is embedded, with splits of its own"


def dataset_names() -> tuple[str, ...]:
    """Names that `open_dataset` takes."""
    return (*BENCHMARKS, CUSTOM, *WORLDS)


def open_dataset(
    name: str,
    root: Path | None = None,
    features: Path | str | None = None,
    glove: Path | None = None,
    clip_s: str | None = None,
    title: str | None = None,
    fold: Fold | None = None,
) -> Dataset:
    """Open a dataset.

    Args:
        name: one of `dataset_names()`.
        root: directory of the annotation files; an embedded dataset needs none.
        features: directory or HDF5 file of features, by default `root/features`; "embedded" renders
            synthetic features for the real annotations, for smoke tests.
        glove: file of word vectors, `.npz` with `words` and `vectors` or GloVe's `.txt`; embedded
            features come with vectors of their own.
        clip_s: seconds that a feature row stands for, or a range of them; by default what `prepare` was told.
        title: what tables are to call `custom`, by default the name of `root`; other names are their own.
        fold: splits of the videos that have features, instead of the dataset's own; see `emtm.data.folds`.

    Raises:
        UserError: the name is unknown, or a file is missing or malformed.
    """
    if name in REAL:
        return open_real(name, _given(name, root), features, glove, clip_s, title, fold)
    if name not in WORLDS:
        raise UserError(unknown("dataset", name, dataset_names()))
    if fold is not None:
        raise UserError(NO_FOLDS.format(name))
    if root is not None or features is not None:
        raise UserError(f"{name} is embedded: it takes neither annotation files nor features")
    return _open_world(name, glove)


def feature_width(name: str, root: Path | None, features: Path | str | None) -> int | None:
    """Width of the feature rows that `open_dataset` would give; None where no files are named that have one.

    Raises:
        UserError: there are no features where they are said to be, or they cannot be read.
    """
    if name in WORLDS:
        return WORLDS[name].feature_dim
    if str(features) == EMBEDDED:
        return stage_of(name).feature_dim
    if name not in REAL:
        raise UserError(unknown("dataset", name, dataset_names()))
    return None if root is None else open_store(features_path(root, features)).dim


def pin_fold(
    number: int, of: int, name: str, root: Path | None, features: Path | str | None, glove: Path | None
) -> Fold:
    """A fold of the videos that have features now.

    Raises:
        UserError: the dataset is embedded or cannot be read, or has too few videos with features.
    """
    if name in WORLDS:
        raise UserError(NO_FOLDS.format(name))
    if name not in REAL:
        raise UserError(unknown("dataset", name, dataset_names()))
    pool = open_pool(name, _given(name, root), features, glove)
    fold = Fold(number, of, pool.sha256)
    check_pool(pool, fold, name)
    return fold


def open_queries(name: str, root: Path | None = None) -> RealAnnotations:
    """The queries of a real dataset alone, for what needs neither features nor word vectors.

    Raises:
        UserError: the name is unknown or embedded, or a file is missing, malformed or changed since `prepare`.
    """
    if name not in REAL:
        raise UserError(unknown("real dataset", name, REAL))
    return open_annotations(name, _given(name, root), EMBEDDED)


def describe(name: str) -> dict[str, Any]:
    """What a dataset is: `name`, `synthetic`, `source`, `licence`, `files`, `embedded`, `queries` in each split."""
    if name in BENCHMARKS:
        known = BENCHMARKS[name]
        default = {split: counts[0] for split, counts in known.counts.items() if counts}
        return {
            "name": name,
            "synthetic": False,
            "source": f"annotations: {known.annotation_source}; features: {known.all_feature_sources}; "
            f"word vectors: {GLOVE_SOURCE}; videos: {known.video_source}",
            "licence": known.licence,
            "files": ", ".join(names[0] for names in known.files.values()),
            "embedded": "nothing",
            "queries": {split: count.queries for split, count in default.items()},
            "videos": {split: count.videos for split, count in default.items()},
        }
    if name == CUSTOM:
        return {
            "name": name,
            "synthetic": False,
            "source": "your own, under a name of your own (--name)",
            "licence": "yours",
            "files": "one .jsonl file, or train.jsonl, test.jsonl and perhaps val.jsonl; see the README",
            "embedded": "nothing",
            "queries": {},
            "videos": {},
        }
    if name not in WORLDS:
        raise UserError(unknown("dataset", name, dataset_names()))
    config = WORLDS[name]
    return {
        "name": name,
        "synthetic": True,
        "source": f"generated; durations and moments follow the statistics of {config.statistics}",
        "licence": "Apache-2.0, as the suite",
        "files": "none: kept in the user's cache directory, or in EMTM_CACHE",
        "embedded": f"everything: {config.clips} clips of {config.feature_dim} features a video, and word vectors",
        "queries": dict(config.queries),
        "clips": config.clips,
    }


def _given(name: str, root: Path | None) -> Path:
    if root is None:
        raise UserError(f"{name} needs the directory of its annotation files")
    return root


def _open_world(name: str, glove: Path | None) -> Dataset:
    config = WORLDS[name]
    corpus = load_or_generate(name, config)
    rows = dict(zip(corpus.video_ids, corpus.latents, strict=True))
    words = all_words()
    vectors = read_word_vectors(glove, words) if glove else word_vectors(words, config.world_seed)
    sizes = ", ".join(
        f"{split} {len(queries):,} queries of {len({query.video_id for query in queries})} videos"
        for split, queries in corpus.splits.items()
    )
    notes = (f"synthetic, after the statistics of {config.statistics}", sizes)
    store = EmbeddedStore(World(config), rows, rows.__getitem__)
    return Dataset(name, True, corpus.splits, store, vectors, notes)

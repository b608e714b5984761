"""Datasets by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emtm.data.charades import NAME as CHARADES
from emtm.data.charades import open_charades_sta
from emtm.data.records import Dataset
from emtm.data.synthetic.cache import load_or_generate
from emtm.data.synthetic.config import WORLDS
from emtm.data.synthetic.grammar import all_words, word_vectors
from emtm.data.synthetic.store import EmbeddedStore
from emtm.data.synthetic.world import World
from emtm.data.word_vectors import read_word_vectors
from emtm.errors import UserError
from emtm.registry import unknown

_CHARADES_ABOUT = {
    "source": "annotations: https://github.com/jiyanggao/TALL (Gao et al., ICCV 2017); "
    "I3D features: https://app.box.com/s/d7q5atlidb31cuj1u8znd7prgrck1r1s (SeqPAN); "
    "word vectors: http://nlp.stanford.edu/data/glove.840B.300d.zip",
    "licence": "videos and annotations under the terms of Charades (Allen Institute for AI); not shipped",
    "files": "charades_sta_train.txt, charades_sta_test.txt, charades.json, features/",
    "queries": {"train": 12408, "test": 3720},
    "videos": {"train": 5338, "test": 1334},
}


def dataset_names() -> tuple[str, ...]:
    """Names that `open_dataset` takes."""
    return (CHARADES, *WORLDS)


def open_dataset(
    name: str,
    root: Path | None = None,
    features: Path | str | None = None,
    glove: Path | None = None,
) -> Dataset:
    """Open a dataset.

    Args:
        name: one of `dataset_names()`.
        root: directory of the official annotation files; an embedded dataset needs none.
        features: directory or HDF5 file of features, by default `root/features`; "embedded" renders
            synthetic features for the real annotations, for smoke tests.
        glove: file of word vectors, `.npz` with `words` and `vectors` or GloVe's `.txt`; embedded
            features come with vectors of their own.

    Raises:
        UserError: the name is unknown, or a file is missing or malformed.
    """
    if name == CHARADES:
        if root is None:
            raise UserError(f"{name} needs the directory of its annotation files")
        return open_charades_sta(root, features, glove)
    if name not in WORLDS:
        raise UserError(unknown("dataset", name, dataset_names()))
    if root is not None or features is not None:
        raise UserError(f"{name} is embedded: it takes neither annotation files nor features")
    return _open_world(name, glove)


def describe(name: str) -> dict[str, Any]:
    """What a dataset is: `name`, `synthetic`, `source`, `licence`, `files`, and `queries` in each split."""
    if name == CHARADES:
        return {"name": name, "synthetic": False, **_CHARADES_ABOUT}
    if name not in WORLDS:
        raise UserError(unknown("dataset", name, dataset_names()))
    config = WORLDS[name]
    return {
        "name": name,
        "synthetic": True,
        "source": f"generated; durations and moments follow the statistics of {config.statistics}",
        "licence": "Apache-2.0, as the suite",
        "files": "none: kept in the user's cache directory, or in EMTM_CACHE",
        "queries": dict(config.queries),
        "clips": config.clips,
    }


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

"""Generated corpora kept on disk, in the user's cache directory or `EMTM_CACHE`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import warnings
from dataclasses import astuple
from pathlib import Path

import numpy as np

from emtm.data.records import Query
from emtm.data.sealed import SealError, read_sealed, write_sealed
from emtm.data.synthetic.config import WorldConfig, statistics
from emtm.data.synthetic.generate import GENERATOR_VERSION, Corpus, generate
from emtm.files import cache_dir


def content_key(config: WorldConfig) -> str:
    """Hash of everything the corpus depends on."""
    content = [GENERATOR_VERSION, config.as_dict(), statistics(config.statistics)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def load_or_generate(name: str, config: WorldConfig) -> Corpus:
    """The corpus from the cache, or else generated and put there.

    A file that is not what was kept there is replaced; a cache that cannot be written only costs time.
    """
    key = content_key(config)
    path = cache_dir() / f"{name}-{key}.npz"
    with contextlib.suppress(SealError):
        return _read(path, key, config)
    corpus = generate(config)
    try:
        _write(path, key, corpus)
    except OSError as error:
        warnings.warn(f"generated data is not kept: {path.parent}: {error.strerror}", stacklevel=2)
    return corpus


def _read(path: Path, key: str, config: WorldConfig) -> Corpus:
    content = read_sealed(path, key)
    try:
        latents, index = content["latents"], json.loads(content["index"].tobytes())
        splits = {name: tuple(Query(*row) for row in rows) for name, rows in index["splits"].items()}
        video_ids = tuple(index["video_ids"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SealError(str(error)) from error
    shape = (len(video_ids), config.clips, config.latent_dim)
    counts = {name: len(queries) for name, queries in splits.items()}
    if latents.dtype != np.float16 or latents.shape != shape or counts != dict(config.queries):
        raise SealError("another world")
    return Corpus(video_ids, latents, splits)


def _write(path: Path, key: str, corpus: Corpus) -> None:
    rows = {name: [astuple(query) for query in queries] for name, queries in corpus.splits.items()}
    index = json.dumps({"video_ids": corpus.video_ids, "splits": rows}).encode()
    write_sealed(path, key, {"latents": corpus.latents, "index": np.frombuffer(index, np.uint8)})

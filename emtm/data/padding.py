"""Rows of different lengths in one array, with zeros behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from emtm.data.text import Vocabulary

MIN_CHARS = 4
"""The character convolutions are up to four wide."""

IntArray = npt.NDArray[np.int64]


def padded(rows: Sequence[npt.NDArray[Any]], shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Arrays of different lengths in one `[B, *shape]`."""
    filled = np.zeros((len(rows), *shape), dtype)
    for target, row in zip(filled, rows, strict=True):
        target[: len(row)] = row
    return filled


def padded_chars(rows: Sequence[IntArray]) -> IntArray:
    """Character ids `[T, C]` of sentences in one `[B, T, C]`."""
    length, width = (max(row.shape[axis] for row in rows) for axis in (0, 1))
    filled = np.zeros((len(rows), length, width), np.int64)
    for target, row in zip(filled, rows, strict=True):
        target[: row.shape[0], : row.shape[1]] = row
    return filled


def mask(counts: Sequence[int], length: int) -> npt.NDArray[np.bool_]:
    """Which of `length` positions are filled, `[B, length]`."""
    return np.arange(length) < np.asarray(counts)[:, None]


def sentence_ids(vocabulary: Vocabulary, sentence: str, max_words: int) -> tuple[IntArray, IntArray]:
    """Word ids `[T]` and character ids `[T, C]` of a sentence; raises UserError when it is empty."""
    words, chars = vocabulary.encode(sentence, max_words)
    rows = [np.array(row, np.int64) for row in chars]
    return np.array(words, np.int64), padded(rows, (max(MIN_CHARS, *map(len, chars)),), np.int64)

"""Groups of queries in which accuracy is told apart: kind, length of the moment, length of the sentence."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

import numpy as np

from emtm.data.records import Query
from emtm.data.text import tokenize
from emtm.metrics.conventions import SOUND, Conventions
from emtm.metrics.iou import Array
from emtm.metrics.means import Means

_SHARES = (0.1, 0.2, 0.4)
_SHARE_NAMES = ("< 10 %", "10-20 %", "20-40 %", ">= 40 %")
_WORDS = (6, 9, 13, 21)
_WORD_NAMES = ("1-5", "6-8", "9-12", "13-20", "> 20")


def moment_share(query: Query) -> str:
    """Length of the annotated moment as a share of the video: models differ most on the shortest."""
    share = (query.end_s - query.start_s) / query.duration_s
    # A tenth of 30.7 s is not quite 0.1 in floating point, and belongs to the group that it begins.
    return _SHARE_NAMES[bisect_right(_SHARES, share + 1e-9)]


def sentence_words(query: Query) -> str:
    """Number of words in the sentence, punctuation marks not counted."""
    words = sum(any(char.isalnum() for char in token) for token in tokenize(query.sentence))
    return _WORD_NAMES[bisect_right(_WORDS, words)]


def by_group(
    queries: Sequence[Query],
    iou: Array,
    group: Callable[[Query], str],
    order: Sequence[str] | None = None,
    conventions: Conventions = SOUND,
) -> dict[str, Means]:
    """Means of the IoUs `[Q]` in each group that has queries; in `order`, or by name."""
    names = np.array([group(query) for query in queries])
    found = sorted(set(names.tolist())) if order is None else [name for name in order if name in names]
    return {name: Means.of(iou[names == name], conventions) for name in found}


def by_moment_length(queries: Sequence[Query], iou: Array, conventions: Conventions = SOUND) -> dict[str, Means]:
    """Means by `moment_share`, shortest first."""
    return by_group(queries, iou, moment_share, _SHARE_NAMES, conventions)


def by_query_length(queries: Sequence[Query], iou: Array, conventions: Conventions = SOUND) -> dict[str, Means]:
    """Means by `sentence_words`, shortest first."""
    return by_group(queries, iou, sentence_words, _WORD_NAMES, conventions)

"""Words without pretrained vectors: which of them a model can learn one for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from emtm.data.records import Query, WordVectors
from emtm.data.text import tokenize

_TWICE = 2
"""A word seen once would never be unknown in training, and nothing would learn what to do with one that is."""


def learned_words(train: Iterable[Query]) -> WordVectors:
    """The words that training sentences hold twice or more, all of them where none is; their vectors are to be learned.

    Every other word is the unknown word to the model.
    """
    counts = Counter(token for query in train for token in tokenize(query.sentence))
    words = sorted(word for word, count in counts.items() if count >= _TWICE) or sorted(counts)
    return WordVectors(tuple(words), np.zeros((len(words), 0), np.float32), learned=True)


def learned_note(words: WordVectors, splits: Mapping[str, Sequence[Query]]) -> str:
    """The sentence on what it costs to do without pretrained vectors."""
    known = set(words.words)
    tested = [token for query in splits["test"] for token in tokenize(query.sentence)]
    unknown = sum(token not in known for token in tested)
    return (
        f"no word vectors (--glove): those of {len(known):,} words are learned from {len(splits['train']):,} training "
        "sentences, which costs accuracy: words of like meaning are not known to be alike, and "
        f"{100 * unknown / len(tested):.1f} % of the test split's tokens are unknown to the model"
    )

"""How much of the text the word vectors know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from emtm.data.records import WordVectors
from emtm.data.text import tokenize

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Coverage:
    """Tokens of some sentences with and without a vector; one without is the unknown word to a model."""

    tokens: int
    known_tokens: int
    words: int
    """Distinct tokens."""
    known_words: int
    unknown: tuple[tuple[str, int], ...]
    """Words without a vector and how often each occurs, most frequent first."""

    def note(self) -> str:
        """One line for a table about the dataset."""
        share = 100 * self.known_tokens / self.tokens if self.tokens else 0.0
        line = f"word vectors of {self.known_words:,} of {self.words:,} words, {share:.2f} % of {self.tokens:,} tokens"
        shown = ", ".join(f"'{word}' ({count:,})" for word, count in self.unknown[:_SHOWN])
        more = ", ..." if len(self.unknown) > _SHOWN else ""
        return f"{line}; without: {shown}{more}" if shown else line

    def to_json(self) -> dict[str, Any]:
        """Plain JSON object."""
        return {**asdict(self), "unknown": dict(self.unknown)}


def coverage(sentences: Iterable[str], word_vectors: WordVectors) -> Coverage:
    """Coverage of sentences by word vectors."""
    counts: Counter[str] = Counter()
    for sentence in sentences:
        counts.update(tokenize(sentence))
    known = set(word_vectors.words)
    unknown = sorted((word for word in counts if word not in known), key=lambda word: (-counts[word], word))
    return Coverage(
        tokens=counts.total(),
        known_tokens=counts.total() - sum(counts[word] for word in unknown),
        words=len(counts),
        known_words=len(counts) - len(unknown),
        unknown=tuple((word, counts[word]) for word in unknown),
    )

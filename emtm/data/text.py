"""Sentences to ids: a small tokenizer and the vocabulary of words and characters."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from emtm.data.records import WordVectors
from emtm.errors import UserError
from emtm.files import parse_json

if TYPE_CHECKING:
    from torch import Tensor

PAD = 0
UNK = 1
_FIRST = 2

# Contractions split as in the Penn Treebank ("is n't", "person 's"): the pretrained vectors know them so.
_TOKEN = re.compile(
    r"""
      \w+(?=n't\b) | n't\b               # the two halves of "isn't"
    | '(?:s|re|ve|ll|d|m)\b              # clitics
    | \d+(?:[.,:]\d+)+                   # 3.5, 1,000, 10:30
    | \w+(?:-\w+)*                       # words, "looking-glass" being one
    | [^\w\s]                            # every other mark by itself
    """,
    re.VERBOSE,
)


def tokenize(sentence: str) -> list[str]:
    """Lower-cased words and punctuation marks of a sentence, accents composed (NFC); empty for a blank one."""
    composed = unicodedata.normalize("NFC", sentence.lower())
    return _TOKEN.findall(composed.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What a model must know of the vocabulary to be built."""

    vectors: Tensor
    """Word vectors, float `[num_words - 2, W]`; row i belongs to word id i + 2. Frozen, unless they are a Parameter."""
    num_chars: int
    """Character ids, padding and unknown included."""
    words: tuple[str, ...] | None = None
    """The words themselves, in the order of `vectors`; None where only sizes matter."""


@dataclass(frozen=True)
class Vocabulary:
    """Known words and characters; id 0 is padding, 1 the unknown, then `words` and `chars` in order."""

    words: tuple[str, ...]
    chars: tuple[str, ...]

    @classmethod
    def build(cls, sentences: Iterable[str], word_vectors: WordVectors, min_char_count: int = 5) -> Vocabulary:
        """Words of `sentences` that have a vector and characters seen at least `min_char_count` times.

        Both are ordered by falling frequency, then alphabetically.
        """
        words: Counter[str] = Counter()
        for sentence in sentences:
            words.update(tokenize(sentence))
        chars: Counter[str] = Counter()
        for word, count in words.items():
            for char in word:
                chars[char] += count
        known = set(word_vectors.words)
        return cls(
            words=tuple(word for word in _by_frequency(words) if word in known),
            chars=tuple(char for char in _by_frequency(chars) if chars[char] >= min_char_count),
        )

    @property
    def num_words(self) -> int:
        """Word ids, padding and unknown included."""
        return len(self.words) + _FIRST

    @property
    def num_chars(self) -> int:
        """Character ids, padding and unknown included."""
        return len(self.chars) + _FIRST

    def encode(self, sentence: str, max_words: int) -> tuple[list[int], list[list[int]]]:
        """Word ids and, for each word, character ids of the first `max_words` tokens.

        Raises:
            UserError: the sentence has no token.
        """
        tokens = tokenize(sentence)[:max_words]
        if not tokens:
            raise UserError("query is empty")
        words = [self._word_ids.get(token, UNK) for token in tokens]
        chars = [[self._char_ids.get(char, UNK) for char in token] for token in tokens]
        return words, chars

    def lexicon(self, word_vectors: WordVectors) -> Lexicon:
        """What a model is built with: the vector of every word, in id order.

        Raises:
            UserError: a word of the vocabulary has no vector.
        """
        import torch  # Here alone: what reads sentences for a deployed file does without.

        rows = {word: row for row, word in enumerate(word_vectors.words)}
        absent = [word for word in self.words if word not in rows]
        if absent:
            raise UserError(f"{len(absent)} words of the vocabulary have no word vector, '{absent[0]}' first")
        picked = word_vectors.vectors[[rows[word] for word in self.words]]
        return Lexicon(torch.from_numpy(picked).float(), self.num_chars, self.words)

    def lexicon_to_learn(self, width: int, seed: int = 0) -> Lexicon:
        """What a model is built with that learns its word vectors: drawn as that of the unknown word is."""
        import torch  # As above.

        bound = (6 / (width + 1)) ** 0.5  # Xavier's, of one row
        random = torch.Generator().manual_seed(seed)
        vectors = torch.empty(len(self.words), width).uniform_(-bound, bound, generator=random)
        return Lexicon(torch.nn.Parameter(vectors), self.num_chars, self.words)

    def to_json(self) -> str:
        """The vocabulary as one JSON object."""
        return json.dumps({"words": self.words, "chars": self.chars}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Inverse of `to_json`; raises UserError on anything else."""
        try:
            content: Any = parse_json(text)
            words, chars = content["words"], content["chars"]
        except (ValueError, TypeError, KeyError):
            raise UserError("the vocabulary is not a JSON object with 'words' and 'chars'") from None
        for entries in (words, chars):
            if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
                raise UserError("the 'words' and 'chars' of a vocabulary are lists of strings")
        return cls(tuple(words), tuple(chars))

    @cached_property
    def _word_ids(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.words, _FIRST)}

    @cached_property
    def _char_ids(self) -> dict[str, int]:
        return {char: i for i, char in enumerate(self.chars, _FIRST)}


def _by_frequency(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda entry: (-counts[entry], entry))

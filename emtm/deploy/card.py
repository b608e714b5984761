"""What an exported file says of itself: all that is needed to use it, and where it comes from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from emtm.config import check_fields
from emtm.data.resampling import Resampling
from emtm.data.text import Vocabulary
from emtm.errors import UserError
from emtm.files import parse_json

KEY = "emtm"
"""Name of the entry in the file's metadata."""
FORMAT = "emtm-onnx/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far the file was from the checkpoint when it was written, over `batches` random batches of all lengths."""

    batches: int
    distribution_max_abs: float
    """Largest difference of a span distribution, in probability."""
    scores_max_abs: float
    """Largest difference of the score of a moment."""
    equal_moments: float
    """Share of the moments whose times are equal; the others have the same score, to the last digits, as another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The metadata of an exported file. Moments are `[start s, end s, score]`; clip i of L covers i/L to (i+1)/L."""

    part: str
    """`whole`, `encode` or `ground`."""
    model: str
    config_hash: str
    weights_sha256: str
    """Of the checkpoint that was exported: parts belong together where it is equal."""
    dataset: str
    emtm_version: str
    feature_width: int
    """Width of the feature rows that a video is given as."""
    max_clips: int
    max_words: int
    resampling: Resampling
    """How rows become clips; `emtm.data.resampling`."""
    pad_to_max: bool
    """Whether videos are padded to `max_clips`, as published behaviour wants."""
    top_k: int
    """Most moments that the file gives for a sentence."""
    words: tuple[str, ...]
    chars: tuple[str, ...]
    """Word and character i has the id i + 2; 0 is padding, 1 the unknown. Sentences are split by `emtm.data.text`."""
    parity: Parity

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary that the model was trained with."""
        return Vocabulary(self.words, self.chars)

    def to_json(self) -> str:
        """The text that stands in the file."""
        return json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Inverse of `to_json`; raises UserError for anything else."""
        try:
            stored: dict[str, Any] = parse_json(text)
            if stored.pop("format") != FORMAT:
                raise UserError(f"the file is of another format than {FORMAT}: export it again")
            lists = {name: tuple(stored[name]) for name in ("words", "chars")}
            card = cls(**{**stored, **lists, "parity": Parity(**stored["parity"])})
            check_fields(card)
            check_fields(card.parity)
        except (ValueError, TypeError, KeyError, AttributeError):
            names = ", ".join(f.name for f in fields(cls))
            raise UserError(f"the file's own description is damaged; it must hold {names}") from None
        return card

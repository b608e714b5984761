"""What `python -m emtm score --json` and `evaluate` print, as evidence: one evaluation of predictions or of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.codec import MalformedError, decode
from bench.missing import ABSENT, Block, Missing
from bench.results import SchemaInvalidError
from emtm.files import read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores(Block):
    """Accuracies in percent."""

    dataset: str
    split: str
    queries: int
    protocol: str
    r1: Mapping[str, float]
    miou: float
    predictions_sha256: str | Missing = ABSENT
    """Of a file of anybody's predictions."""
    model: str | Missing = ABSENT
    weights_sha256: str | Missing = ABSENT
    """Of a run that was evaluated."""


def read_scores(path: Path) -> Scores:
    """The scores at `path`; raises UserError when it cannot be read, SchemaInvalidError when it is damaged."""
    try:
        return decode(Scores, read_json(path))
    except MalformedError as error:
        raise SchemaInvalidError(f"{path} is damaged: {error}") from None

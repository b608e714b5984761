"""Accuracies as papers and repositories print them: data, kept apart from everything measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from emtm.metrics.metric import METRICS, Metric

Reading = Literal["repository", "issue", "memory"]

MARKS: Mapping[Reading, str] = {"repository": "†", "issue": "†", "memory": "?"}
"""Behind every published figure in a table: one that a source gives, or one recalled and not checked."""
LEGEND = "† published, as the source quotes it; ? recalled from the paper, not checked; none was measured here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One published result, in percent."""

    model: str
    dataset: str
    split: str
    """What was tested on, as far as it is known."""
    features: str
    r1: Mapping[str, float]
    """By IoU threshold; those that the source gives."""
    source: str
    read: Reading
    """Where the figures were read; `memory` means that nobody has checked them against the paper."""
    miou: float | None = None
    note: str = ""

    def cells(self, metrics: Sequence[Metric] = METRICS) -> list[str]:
        """Each metric with its mark; `-` where the source gives none."""
        values = [metric.of(self) for metric in metrics]
        return ["-" if value is None else f"{value:.2f}{MARKS[self.read]}" for value in values]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON object."""
        return {**asdict(self), "measured": False}


@cache
def _all() -> tuple[Published, ...]:
    text = (files("emtm.metrics") / "published.yaml").read_text("utf-8")
    return tuple(Published(**entry) for entry in yaml.safe_load(text))


def published(dataset: str | None = None) -> tuple[Published, ...]:
    """Published results on a dataset, or all of them, in the order of the file."""
    return tuple(entry for entry in _all() if dataset in (None, entry.dataset))

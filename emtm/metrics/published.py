"""Accuracies as papers and repositories print them: data, kept apart from everything measured here.

They stand beside a measured accuracy only where that is of the official test set, which is known by the size of its
files (`emtm.data.benchmarks`), never by a name that anybody can give. Figures that were recalled from a paper and
checked against nothing stand in no table; docs/recalled.md lists them.
"""

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
LEGEND = "† published, as the source quotes it; none was measured here"
UNOFFICIAL = "not tested on a published test set, or not on all of it"
"""Why nothing published compares with an accuracy."""


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
    """Published results on a dataset, or all of them, that a source gives; in the order of the file."""
    return tuple(entry for entry in _all() if dataset in (None, entry.dataset) and entry.read != "memory")


def published_beside(dataset: str, official: str | None) -> tuple[Published, ...]:
    """What may stand beside an accuracy on `dataset`: nothing, unless its test set is `official`."""
    return published(dataset) if official else ()


def recalled() -> tuple[Published, ...]:
    """Results that nobody has checked against the paper: for a list of what is to be checked, and no table."""
    return tuple(entry for entry in _all() if entry.read == "memory")

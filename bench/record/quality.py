"""How accurate a trained model is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench.missing import ABSENT, Block, Missing
from bench.record.timed import Interval

Percent = Mapping[str, float]
"""Percentages by IoU threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityIntervals(Block):
    """95 % intervals over queries, clustered by video, in percent."""

    r1: Mapping[str, Interval]
    miou: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAccuracy(Block):
    """Accuracy of some queries, in percent."""

    queries: int | Missing = ABSENT
    r1: Percent
    miou: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryScores(Block):
    """The first answer to every query, so that two runs can be paired by query."""

    queries: tuple[str, ...]
    """Names, each once."""
    videos: tuple[str, ...]
    """Of each query: queries of one video are not independent."""
    iou: tuple[float, ...]
    """Of each query, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality(Block):
    """Accuracy of a trained run on a split, in percent."""

    model: str | Missing = ABSENT
    dataset: str
    split: str
    seed: int | Missing = ABSENT
    synthetic: bool | Missing = ABSENT
    queries: int | Missing = ABSENT
    protocol: Literal["timestamp", "index"] | Missing = ABSENT
    comparison: str | Missing = ABSENT
    r1: Percent
    r5: Percent | Missing = ABSENT
    miou: float
    ci95: QualityIntervals | Missing = ABSENT
    by_kind: Mapping[str, GroupAccuracy] | Missing = ABSENT
    by_moment_length: Mapping[str, GroupAccuracy] | Missing = ABSENT
    by_query_length: Mapping[str, GroupAccuracy] | Missing = ABSENT
    floors: Mapping[str, GroupAccuracy] | Missing = ABSENT
    """What models reach that lack the query or the video."""
    notes: tuple[str, ...] | Missing = ABSENT
    official: str | Missing = ABSENT
    """Which published version of the test set it is of, by its content; published figures compare with no other."""
    per_query: QueryScores | Missing = ABSENT
    n: int
    """Queries, once more: readers of flat tables find `n` and `r1_iou05` and its like in the file."""
    source: Literal["measured", "paper"]
    seeds: tuple[int, ...] | Missing = ABSENT

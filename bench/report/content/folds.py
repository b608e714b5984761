"""What the summary of a study by folds says beyond other studies: the pool, and intervals over its videos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emtm.metrics.metric import METRICS, Metric


@dataclass(frozen=True, slots=True)
class Clustered:
    """A mean over queries in percent, or a difference in points, and its 95 % interval over resampled videos."""

    mean: float
    ci95: tuple[float, float] | None
    """None where one video is all there is."""

    @property
    def sign(self) -> int:
        """1 or -1 where the whole interval lies on one side of zero; 0 where it does not, or there is none."""
        return 0 if self.ci95 is None else int(self.ci95[0] > 0) - int(self.ci95[1] < 0)


@dataclass(frozen=True, slots=True)
class FoldMeasure:
    """A metric of a row over all queries of the pool, the mean over its seeds."""

    value: Clustered
    over_best_floor: Clustered
    best_floor: str
    over_alone: Clustered | None
    """None for the student alone, and where the study has none."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What one row has over another, paired by query."""

    row: str
    over: str
    differences: Mapping[Metric, Clustered]


@dataclass(frozen=True, slots=True)
class Folds:
    """Cross-validation over videos; see `emtm.distillation.cross_validation`."""

    of: int
    videos: int
    source: str
    """Where the features come from, in words."""
    notes: tuple[str, ...]
    rows: Mapping[str, Mapping[Metric, FoldMeasure]]
    pairs: tuple[Pair, ...]

    @property
    def title(self) -> str:
        """In words."""
        return f"{self.of} folds by video of {self.videos:,} videos"

    @property
    def mark(self) -> str:
        """With what the dataset's name ends in the summary."""
        return f"+{self.of}-folds"


def read_folds(doc: Mapping[str, Any]) -> Folds | None:
    """Of a summary that fits its schema; None for studies that are none.

    Raises ValueError for a row without the intervals of a study by folds.
    """
    found = doc.get("folds")
    if found is None:
        return None
    return Folds(
        found["of"],
        found["videos"],
        found["source"],
        tuple(found["notes"]),
        {row["name"]: {m: _measure(row, m) for m in METRICS if m.key in row} for row in doc["rows"]},
        tuple(
            Pair(pair["row"], pair["over"], {m: _clustered(pair[m.key]) for m in METRICS if m.key in pair})
            for pair in found["pairs"]
        ),
    )


def _measure(row: Mapping[str, Any], metric: Metric) -> FoldMeasure:
    figures = row[metric.key]
    lacking = next((key for key in ("ci95", "over_best_floor") if key not in figures), None)
    if lacking is not None:
        raise ValueError(f"{row['name']}, {metric.key}: lacks {lacking}, which a study by folds has")
    floor, alone = figures["over_best_floor"], figures.get("over_student_alone")
    return FoldMeasure(
        _clustered(figures),
        _clustered(floor),
        str(floor["floor"]).replace("_", "-"),
        _clustered(alone) if alone and "ci95" in alone else None,
    )


def _clustered(found: Mapping[str, Any]) -> Clustered:
    ends = found["ci95"]
    return Clustered(found["mean"], None if ends is None else (ends[0], ends[1]))

"""Recall and mean IoU of predicted moments, against annotated seconds or on the model's own grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from emtm.data.labels import index_to_time, time_to_index
from emtm.data.records import Query
from emtm.errors import UserError
from emtm.metrics.bootstrap import cluster_interval
from emtm.metrics.iou import temporal_iou

Protocol = Literal["timestamp", "index"]
Percent = dict[str, float]
FloatArray = npt.NDArray[np.float64]

THRESHOLDS = (0.3, 0.5, 0.7)
TOP = 5
TIE_SLACK = 1e-6
"""An IoU this far below a threshold still counts: on the clip grid IoUs equal to 1/2 are common, and
float32 rounding must not decide about them."""


@dataclass(frozen=True, slots=True)
class Means:
    """R1@m and mIoU over some queries, in percent."""

    queries: int
    r1: Percent
    miou: float

    @classmethod
    def of(cls, iou: FloatArray) -> Means:
        """Means of the IoUs `[Q]` of the answers."""
        mean = _table(iou).mean(0)
        return cls(queries=len(iou), r1=_percent(mean[:-1]), miou=float(mean[-1]))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON object."""
        return {"queries": self.queries, "r1": dict(self.r1), "miou": self.miou}


@dataclass(frozen=True, slots=True)
class Intervals:
    """95 % cluster-bootstrap intervals (low, high), in percent."""

    r1: Mapping[str, tuple[float, float]]
    miou: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON object."""
        return {"r1": {m: list(interval) for m, interval in self.r1.items()}, "miou": list(self.miou)}


@dataclass(frozen=True, slots=True)
class Scores:
    """Accuracy of one set of predictions, in percent."""

    queries: int
    protocol: Protocol
    r1: Percent
    r5: Percent | None
    """Any of the first five; None where no query has five predictions."""
    miou: float
    ci95: Intervals | None
    """None with fewer than two videos."""
    by_kind: Mapping[str, Means]
    floors: Mapping[str, Any] | None = None
    """What models reach that lack the query or the video; see `emtm.metrics.floors`."""

    def to_json(self, dataset: str | None = None, split: str | None = None) -> dict[str, Any]:
        """Plain JSON object; `dataset` and `split` lead it where given."""
        source = {"dataset": dataset, "split": split}
        return {
            **{key: value for key, value in source.items() if value is not None},
            "queries": self.queries,
            "protocol": self.protocol,
            "r1": dict(self.r1),
            "r5": None if self.r5 is None else dict(self.r5),
            "miou": self.miou,
            "ci95": None if self.ci95 is None else self.ci95.to_json(),
            "by_kind": {kind: means.to_json() for kind, means in self.by_kind.items()},
            "floors": None if self.floors is None else dict(self.floors),
        }


def score(
    predictions: Mapping[str, npt.ArrayLike],
    queries: Sequence[Query],
    protocol: Protocol = "timestamp",
    num_clips: Mapping[str, int] | None = None,
    floors: Mapping[str, Any] | None = None,
) -> Scores:
    """Score moments `[K, 3]` (start_s, end_s, score; best first) by query id.

    A prediction counts at m when its IoU is **at least** m, as in the VSLNet family (the 2D-TAN family
    asks for more than m); R5 asks it of any of the first five, mIoU averages the IoU of the first.
    `timestamp` compares with the annotated seconds. `index` compares with the annotation rounded to
    the model's own grid of `num_clips[video_id]` clips, as EMTM and SeqPAN published; it forgives every
    error smaller than the grid. Predictions of other queries are ignored.

    Raises:
        UserError: no query, a query without a prediction, moments that are not finite rows of three,
            or `index` without the clip count of a video.
    """
    if not queries:
        raise UserError("there is no query to score")
    ordered = sorted(queries, key=lambda query: query.query_id)
    _require(predictions, [query.query_id for query in ordered], "query", "a prediction")
    found, most = _first_moments(predictions, ordered)
    iou = temporal_iou(found, _truth(ordered, protocol, num_clips)[:, None])
    first = iou[:, 0]
    kinds = np.array([query.kind for query in ordered])
    overall = Means.of(first)
    return Scores(
        queries=len(ordered),
        protocol=protocol,
        r1=overall.r1,
        r5=Means.of(iou.max(1)).r1 if most >= TOP else None,
        miou=overall.miou,
        ci95=_intervals(first, ordered),
        by_kind={str(kind): Means.of(first[kinds == kind]) for kind in np.unique(kinds)},
        floors=floors,
    )


def _first_moments(predictions: Mapping[str, npt.ArrayLike], queries: Sequence[Query]) -> tuple[FloatArray, int]:
    """First five moments of each query `[Q, 5, 2]`, absent ones empty; and the most that any has."""
    found = np.zeros((len(queries), TOP, 2))
    most = 0
    for row, query in zip(found, queries, strict=True):
        moments = _checked(predictions[query.query_id], query.query_id)
        row[: len(moments)] = moments[:TOP, :2]
        most = max(most, len(moments))
    return found, most


def _checked(moments: npt.ArrayLike, query_id: str) -> FloatArray:
    try:
        rows = np.asarray(moments, np.float64)
    except (TypeError, ValueError):
        rows = np.empty(0)
    if rows.ndim != 2 or rows.shape[1] != 3 or not len(rows) or not np.isfinite(rows).all():
        raise UserError(f"the prediction of query {query_id!r} is not a list of finite [start_s, end_s, score]")
    return rows


def _truth(queries: Sequence[Query], protocol: Protocol, num_clips: Mapping[str, int] | None) -> FloatArray:
    """Moments to compare with, in seconds `[Q, 2]`."""
    start, end, duration = np.array([(q.start_s, q.end_s, q.duration_s) for q in queries]).T
    if protocol == "index":
        known = num_clips or {}
        _require(known, [query.video_id for query in queries], "video", "a clip count for the index protocol")
        clips = np.array([known[query.video_id] for query in queries])
        start, end = index_to_time(*time_to_index(start, end, clips, duration), clips, duration)
    return np.stack([start, end], 1)


def _require(known: Mapping[str, Any], wanted: Sequence[str], what: str, thing: str) -> None:
    missing = sorted({name for name in wanted if name not in known})
    if missing:
        names = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        total = len(set(wanted))
        raise UserError(f"{len(missing)} of {total} {what} ids lack {thing}: {names}")


def _percent(values: FloatArray) -> Percent:
    return {str(m): float(value) for m, value in zip(THRESHOLDS, values, strict=True)}


def _table(iou: FloatArray) -> FloatArray:
    """Hits at each threshold and IoU of `[Q]` answers, in percent, `[Q, M + 1]`."""
    return 100 * np.column_stack([iou[:, None] >= np.array(THRESHOLDS) - TIE_SLACK, iou])


def _intervals(iou: FloatArray, queries: Sequence[Query]) -> Intervals | None:
    found = cluster_interval(_table(iou), [query.video_id for query in queries])
    if found is None:
        return None
    pairs = [(float(low), float(high)) for low, high in found]
    return Intervals(r1=dict(zip(map(str, THRESHOLDS), pairs, strict=False)), miou=pairs[-1])

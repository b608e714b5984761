"""Recall and mean IoU of predicted moments, against annotated seconds or on the model's own grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emtm.data.choices import Protocol
from emtm.data.labels import index_to_time, time_to_index
from emtm.data.records import Query
from emtm.errors import UserError
from emtm.metrics.bootstrap import cluster_interval
from emtm.metrics.breakdown import by_group, by_moment_length, by_query_length
from emtm.metrics.conventions import SOUND, Conventions
from emtm.metrics.means import Means, Percent, hits
from emtm.metrics.metric import THRESHOLDS
from emtm.metrics.truth import annotated_windows, best_iou

FloatArray = npt.NDArray[np.float64]

FORMAT = "emtm-score/1"
"""Of the JSON of an evaluation, of a file of predictions or of a run."""
TOP = 5


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
    by_moment_length: Mapping[str, Means]
    """By the share of the video that the moment takes."""
    by_query_length: Mapping[str, Means]
    """By the number of words in the sentence."""
    conventions: Conventions = SOUND
    floors: Mapping[str, Any] | None = None
    """What models reach that lack the query or the video; see `emtm.metrics.floors`."""

    def to_json(self, dataset: str | None = None, split: str | None = None) -> dict[str, Any]:
        """Plain JSON object; `dataset` and `split` lead it where given."""
        source = {"dataset": dataset, "split": split}
        return {
            **{key: value for key, value in source.items() if value is not None},
            "queries": self.queries,
            "protocol": self.protocol,
            "comparison": self.conventions.comparison,
            "r1": dict(self.r1),
            "r5": None if self.r5 is None else dict(self.r5),
            "miou": self.miou,
            "ci95": None if self.ci95 is None else self.ci95.to_json(),
            "by_kind": _json(self.by_kind),
            "by_moment_length": _json(self.by_moment_length),
            "by_query_length": _json(self.by_query_length),
            "floors": None if self.floors is None else dict(self.floors),
        }


def score(
    predictions: Mapping[str, npt.ArrayLike],
    queries: Sequence[Query],
    protocol: Protocol = "timestamp",
    num_clips: Mapping[str, int] | None = None,
    floors: Mapping[str, Any] | None = None,
    conventions: Conventions = SOUND,
) -> Scores:
    """Score moments `[K, 3]` (start_s, end_s, score; best first) by query id.

    A prediction counts at m when its IoU is **at least** m, as in the VSLNet family, unless `conventions` ask
    for more than m, as the 2D-TAN family does; they also say whether a query without a prediction is a miss or
    an error. (What they say of annotations and of ranking has been done to `queries` and `predictions`.) R5
    asks it of any of the first five, mIoU averages the IoU of the first. Where a sentence describes several
    moments, the one that an answer overlaps most counts.
    `timestamp` compares with the annotated seconds. `index` compares with the annotation rounded to
    the model's own grid of `num_clips[video_id]` clips, as EMTM and SeqPAN published; it forgives every
    error smaller than the grid. Predictions of other queries are ignored.

    Raises:
        UserError: no query, a query without a prediction unless that is a miss, moments that are not finite
            rows of three, or `index` without the clip count of a video.
    """
    if not queries:
        raise UserError("there is no query to score")
    ordered = sorted(queries, key=lambda query: query.query_id)
    ids = [query.query_id for query in ordered]
    if conventions.missing == "refuse":
        _require(predictions, ids, "query", "a prediction")
    found, most = _first_moments(predictions, ordered)
    iou = _best_iou(found, ordered, protocol, num_clips, conventions)
    first = iou[:, 0]
    overall = Means.of(first, conventions)
    return Scores(
        queries=len(ordered),
        protocol=protocol,
        r1=overall.r1,
        r5=Means.of(iou.max(1), conventions).r1 if most >= TOP else None,
        miou=overall.miou,
        ci95=_intervals(first, ordered, conventions),
        by_kind=by_group(ordered, first, lambda query: query.kind, conventions=conventions),
        by_moment_length=by_moment_length(ordered, first, conventions),
        by_query_length=by_query_length(ordered, first, conventions),
        conventions=conventions,
        floors=floors,
    )


def first_ious(predictions: Mapping[str, npt.ArrayLike], queries: Sequence[Query]) -> dict[str, float]:
    """IoU of the first moment of each query by its id, by the `timestamp` protocol; 0 where there is none."""
    found, _ = _first_moments(predictions, queries)
    iou = _best_iou(found, queries, "timestamp", None, SOUND)[:, 0]
    return {query.query_id: float(value) for query, value in zip(queries, iou, strict=True)}


def _first_moments(predictions: Mapping[str, npt.ArrayLike], queries: Sequence[Query]) -> tuple[FloatArray, int]:
    """First five moments of each query `[Q, 5, 2]`, absent ones empty; and the most that any has."""
    found = np.zeros((len(queries), TOP, 2))
    most = 0
    for row, query in zip(found, queries, strict=True):
        if query.query_id not in predictions:
            continue
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


def _best_iou(
    found: FloatArray,
    queries: Sequence[Query],
    protocol: Protocol,
    num_clips: Mapping[str, int] | None,
    conventions: Conventions,
) -> FloatArray:
    """IoU of moments `[Q, 5, 2]` with the window of their query that each overlaps most, `[Q, 5]`."""
    windows = annotated_windows(queries)
    if protocol == "index":
        known = num_clips or {}
        _require(known, [query.video_id for query in queries], "video", "a clip count for the index protocol")
        clips = np.array([[known[query.video_id]] for query in queries])
        duration = np.array([[query.duration_s] for query in queries])
        indices = time_to_index(windows[..., 0], windows[..., 1], clips, duration)
        windows = np.stack(index_to_time(*indices, clips, duration), -1)
    return best_iou(found.swapaxes(0, 1), windows, conventions.union_s).T


def _require(known: Mapping[str, Any], wanted: Sequence[str], what: str, thing: str) -> None:
    missing = sorted({name for name in wanted if name not in known})
    if missing:
        names = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        total = len(set(wanted))
        raise UserError(f"{len(missing)} of {total} {what} ids lack {thing}: {names}")


def _json(groups: Mapping[str, Means]) -> dict[str, Any]:
    return {name: means.to_json() for name, means in groups.items()}


def _intervals(iou: FloatArray, queries: Sequence[Query], conventions: Conventions) -> Intervals | None:
    found = cluster_interval(hits(iou, conventions), [query.video_id for query in queries])
    if found is None:
        return None
    pairs = [(float(low), float(high)) for low, high in found]
    return Intervals(r1=dict(zip(map(str, THRESHOLDS), pairs, strict=False)), miou=pairs[-1])

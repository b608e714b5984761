"""The annotated moments of queries as arrays, several to a query where the dataset says so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emtm.data.records import Query
from emtm.metrics.iou import Array, temporal_iou


def annotated_windows(queries: Sequence[Query]) -> Array:
    """Windows `[Q, W, 2]` in seconds; a query with fewer than W repeats its last."""
    windows = [query.windows for query in queries]
    most = max(map(len, windows), default=1)
    return np.array([[*found, *[found[-1]] * (most - len(found))] for found in windows], np.float64).reshape(
        -1, most, 2
    )


def best_iou(moments: Array, windows: Array, union_s: float = 0.0) -> Array:
    """IoU of answers `[..., Q, 2]` with the window `[Q, W, 2]` that each overlaps most, `[..., Q]`.

    `union_s` as in `temporal_iou`. Scoring against the best window is the rule of QVHighlights (Lei et al.,
    NeurIPS 2021).
    """
    best: Array = temporal_iou(moments[..., None, :], windows, union_s).max(-1)
    return best


def one_window_each(queries: Sequence[Query]) -> list[Query]:
    """A query for each window."""
    return [
        Query(query.query_id, query.video_id, query.sentence, query.duration_s, *window, query.kind)
        for query in queries
        for window in query.windows
    ]

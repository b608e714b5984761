"""How a video of any length comes to the clips that a model takes: the sound rule and the published ones.

=============  ==========================================================================================
``mean``       mean over even ranges of rows, no row lost; shorter videos stay as they are (the default)
``vslnet``     `visual_feature_sampling` of VSLNet, SeqPAN, EMTM: as ``mean``, but the last row is lost
``zoo``        `sample_vfeat_linear` of TSGVZoo ("truncation"): ranges over all rows but the last, which
               joins the last clip
``zoo-samelen``  the same ("samelen"), shorter videos stretched as well
``2d-tan``     `average_to_fixed_length` of 2D-TAN and CPL: L2-normalised rows, always brought to the full
               length, shorter videos stretched by repeating rows; the last row is lost
``lighthouse``  lighthouse and Moment-DETR: cut to the first rows, L2-normalised, and each row's place in
               the video appended (two more columns)
=============  ==========================================================================================

Rounding is half to even everywhere; VSLNet computes its boundaries in float64, the others in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from emtm.data.records import FloatArray

Resampling = Literal["mean", "vslnet", "zoo", "zoo-samelen", "2d-tan", "lighthouse"]
PLACE_COLUMNS = 2
"""Columns that `lighthouse` appends: where a clip starts and where it ends, as fractions of the video."""

_TAN_EPS = 1e-12
_LIGHTHOUSE_EPS = 1e-5


def resample(
    features: FloatArray, max_clips: int, rule: Resampling = "mean", widths: Sequence[int] | None = None
) -> FloatArray:
    """Clips `[m, V]` of rows `[n, V]`, m at most `max_clips`; `[m, V + 2]` by `lighthouse`.

    `widths` are the widths of stores that were put side by side: `lighthouse` normalises each by itself.
    """
    if rule in ("mean", "vslnet"):
        return pool_clips(features, max_clips, official=rule == "vslnet")
    if rule == "lighthouse":
        return _cut(features, max_clips, widths or (features.shape[1],))
    if rule == "2d-tan":
        return stretch_clips(
            features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), _TAN_EPS), max_clips
        )
    if rule == "zoo" and len(features) <= max_clips:
        return features
    bounds = np.round(_even(max_clips) * np.float32(len(features) - 1)).astype(np.int64)
    bounds[-1] = len(features)
    return _range_means(features, bounds)


def stretch_clips(features: FloatArray, clips: int) -> FloatArray:
    """Exactly `clips` means of the rows `[n, V]`, a short video's rows repeated; the last row is mostly lost."""
    bounds = np.round(_even(clips) * np.float32(len(features))).astype(np.int64)
    return _range_means(features, np.minimum(bounds, len(features) - 1))


def clip_count(rows: int, max_clips: int, rule: Resampling = "mean") -> int:
    """How many clips `resample` makes of `rows` rows."""
    return max_clips if rule in ("2d-tan", "zoo-samelen") else min(rows, max_clips)


def store_width(model_width: int, rule: Resampling = "mean") -> int:
    """Width of the stored rows that a model takes whose clips are `model_width` wide."""
    return model_width - PLACE_COLUMNS if rule == "lighthouse" else model_width


def clip_width(stored_width: int, rule: Resampling = "mean") -> int:
    """Width of the clips that come of stored rows; the inverse of `store_width`."""
    return stored_width + PLACE_COLUMNS if rule == "lighthouse" else stored_width


def pool_clips(features: FloatArray, max_clips: int, *, official: bool = False) -> FloatArray:
    """Mean-pool rows `[n, V]` to at most `max_clips` clips; a shorter video is returned as it is.

    Follows `visual_feature_sampling` of VSLNet, SeqPAN and EMTM: boundary k is `k / max_clips * n`,
    rounded half to even; each clip is the mean of its half-open range, or its first row where that is
    empty. The published code clips the boundaries to the last row, which therefore takes part only
    where its own range would be empty: `official` does so, and without it no row is lost.
    """
    rows = len(features)
    if rows <= max_clips:
        return features
    # The division comes first as in the published code: some products round to a different row otherwise.
    ideal = np.arange(max_clips + 1) / max_clips * rows
    bounds = np.round(ideal).astype(np.int64)
    return _range_means(features, np.minimum(bounds, rows - 1) if official else bounds)


def _range_means(features: FloatArray, bounds: npt.NDArray[np.int64]) -> FloatArray:
    """Mean of the rows of each half-open range between neighbours of `bounds`, its first row if it is empty."""
    # reduceat takes no boundary behind the last row, and gives the row at the boundary of an empty range.
    starts = bounds[:-1] if bounds[-1] == len(features) else bounds
    sums = np.add.reduceat(features, starts, axis=0)[: len(bounds) - 1]
    sizes = np.maximum(np.diff(bounds), 1)
    means: FloatArray = (sums / sizes[:, None]).astype(np.float32)
    return means


def _even(clips: int) -> npt.NDArray[np.float32]:
    """Boundaries of even clips as fractions, in the float32 of the published code."""
    return np.arange(clips + 1, dtype=np.float32) / np.float32(clips)


def _cut(features: FloatArray, max_clips: int, widths: Sequence[int]) -> FloatArray:
    rows = features[:max_clips]
    parts: list[npt.NDArray[Any]] = []
    for part in np.split(rows, np.cumsum(widths)[:-1], axis=1):
        parts.append(part / (np.linalg.norm(part, axis=1, keepdims=True) + _LIGHTHOUSE_EPS))
    start = np.arange(len(rows), dtype=np.float32)[:, None] / np.float32(len(rows))
    return np.concatenate([*parts, start, start + np.float32(1 / len(rows))], 1, dtype=np.float32)

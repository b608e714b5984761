"""Moments on the clip grid: seconds to clips and back, and the targets the losses compare with.

A video of `n` clips is cut evenly: clip `i` spans `[i, i + 1) * duration / n`. A moment of clips
`(i, j)`, both inclusive, thus lasts from `i * duration / n` to `(j + 1) * duration / n`, as in
VSLNet (Zhang et al., ACL 2020), SeqPAN (ACL Findings 2021) and EMTM.
"""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

IntArray = npt.NDArray[np.int64]
Numbers = float | npt.NDArray[Any]

LABEL_FLOOR = 1e-10
"""Probability that the soft labels leave on every valid clip."""


@overload
def time_to_index(start_s: float, end_s: float, num_clips: int, duration_s: float) -> tuple[int, int]: ...


@overload
def time_to_index(
    start_s: npt.NDArray[Any], end_s: Numbers, num_clips: Numbers, duration_s: Numbers
) -> tuple[IntArray, IntArray]: ...


def time_to_index(start_s: Any, end_s: Any, num_clips: Any, duration_s: Any) -> tuple[Any, Any]:
    """First and last clip (inclusive) of the span of whole clips with the largest IoU with a moment.

    Clip boundaries are float32, as in the published code; among equal IoUs the smallest start, then
    the smallest end wins. A moment that overlaps no clip (empty, or outside the video) gives (0, 0).
    Scalars give ints; arrays broadcast and give int64 arrays.
    """
    start, end, clips, duration = (
        np.asarray(x, np.float64)[..., None] for x in (start_s, end_s, num_clips, duration_s)
    )
    # IoU falls on both sides of the boundary nearest to each end of the moment, so that the best pair
    # of the full [n, n] table lies within one clip; the fourth candidate absorbs float32 rounding.
    window = np.arange(-1, 3)
    first = np.clip(np.floor(start / duration * clips) + window, 0, clips - 1)
    last = np.clip(np.floor(end / duration * clips) - 1 + window, 0, clips - 1)
    left = _boundary(first, clips, duration)[..., :, None]
    right = _boundary(last + 1, clips, duration)[..., None, :]
    start, end = start[..., None], end[..., None]
    overlap = np.maximum(np.minimum(right, end) - np.maximum(left, start), 0)
    union = np.maximum(right, end) - np.minimum(left, start)
    iou = np.divide(overlap, union, out=np.zeros_like(overlap), where=overlap > 0)
    table = iou.reshape(*iou.shape[:-2], -1)
    best = table.argmax(-1)[..., None]
    found = np.take_along_axis(table, best, -1) > 0
    first = np.broadcast_to(first, (*best.shape[:-1], window.size))
    last = np.broadcast_to(last, (*best.shape[:-1], window.size))
    i = np.where(found, np.take_along_axis(first, best // window.size, -1), 0)[..., 0].astype(np.int64)
    j = np.where(found, np.take_along_axis(last, best % window.size, -1), 0)[..., 0].astype(np.int64)
    return (i, j) if i.ndim else (int(i), int(j))


def _boundary(index: npt.NDArray[Any], num_clips: npt.NDArray[Any], duration_s: npt.NDArray[Any]) -> Any:
    """Start of clip `index` in seconds: rounded to float32 at each step, given as float64."""
    fraction = index.astype(np.float32) / num_clips.astype(np.float32)
    return (fraction * duration_s.astype(np.float32)).astype(np.float64)


@overload
def index_to_time(start_index: float, end_index: float, num_clips: float, duration_s: float) -> tuple[float, float]: ...


@overload
def index_to_time(
    start_index: Tensor, end_index: Tensor, num_clips: Tensor | float, duration_s: Tensor | float
) -> tuple[Tensor, Tensor]: ...


@overload
def index_to_time(
    start_index: npt.NDArray[Any], end_index: Numbers, num_clips: Numbers, duration_s: Numbers
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]: ...


def index_to_time(start_index: Any, end_index: Any, num_clips: Any, duration_s: Any) -> tuple[Any, Any]:
    """Start and end in seconds of the clips `start_index` to `end_index`, inclusive.

    Takes numbers, arrays or tensors of one shape, and gives the same.
    """
    return start_index / num_clips * duration_s, (end_index + 1) / num_clips * duration_s


def soft_span_labels(index: Tensor, num_clips: Tensor, length: int) -> Tensor:
    """Soft targets of one boundary: about 1/2 on its clip, 1/4 on each neighbour.

    `index` and `num_clips` are long `[B]`; gives float `[B, length]` with rows that sum to 1, a floor
    of 1e-10 on valid clips and 0 on padding. The share of a missing neighbour goes to the clip itself,
    so that the label of a one-clip video is 1. Follows EMTM and SeqPAN.
    """
    clips = num_clips[:, None]
    distance = _positions(index, length) - index[:, None]
    valid = distance + index[:, None] < clips
    share = (0.5 - LABEL_FLOOR * clips) / 2
    missing = (index == 0).long() + (index == num_clips - 1).long()
    centre = LABEL_FLOOR + 0.5 + share * missing[:, None]
    label = torch.where(distance.abs() == 1, share, torch.full_like(share, LABEL_FLOOR))
    return torch.where(distance == 0, centre, label) * valid


def match_labels(start_index: Tensor, end_index: Tensor, num_clips: Tensor, length: int, extension: int) -> Tensor:
    """Classes of the clips: 0 outside, 1 around the start, 2 inside, 3 around the end.

    Indices and `num_clips` are long `[B]`; gives long `[B, length]`, 0 on padding. The zones of start
    and end reach `extension` clips to each side (2 in EMTM, 1 in SeqPAN); where they meet, the start
    keeps at least its own clip until the end zone, written last, takes it.
    """
    position = _positions(start_index, length)
    start_right = start_index + extension
    end_left = (end_index - extension).clamp(min=0)
    start_right = torch.where(start_right >= end_left, torch.maximum(start_index, end_left - 1), start_right)
    labels = torch.zeros_like(position)
    labels[_between(position, start_index - extension, start_right)] = 1
    labels[_between(position, start_right + 1, end_left - 1)] = 2
    labels[_between(position, end_left, end_index + extension)] = 3
    return labels * (position < num_clips[:, None])


def highlight_labels(
    start_index: Tensor, end_index: Tensor, num_clips: Tensor, length: int, extend: float = 0.1
) -> Tensor:
    """Foreground of VSLNet: 1 on the moment and `extend` of its length to each side, else 0.

    Indices and `num_clips` are long `[B]`; gives float `[B, length]`, 0 on padding. The extension is
    rounded half to even, in float64, as Python's `round` does.
    """
    position = _positions(start_index, length)
    margin = (extend * (end_index - start_index + 1).double()).round().long()
    inside = _between(position, start_index - margin, end_index + margin)
    return (inside & (position < num_clips[:, None])).float()


def _positions(like: Tensor, length: int) -> Tensor:
    """Clip positions `[B, length]` for a batch of the size of `like`."""
    return torch.arange(length, device=like.device).expand(like.shape[0], length)


def _between(position: Tensor, first: Tensor, last: Tensor) -> Tensor:
    return (position >= first[:, None]) & (position <= last[:, None])

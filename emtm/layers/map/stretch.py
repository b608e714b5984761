"""Videos of any length on a grid of a fixed number of clips.

Models with a moment map take a fixed number of clips. Each resampler reads a sample's valid rows
alone, so that padding never reaches the grid.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def stretch_mean(video: Tensor, num_clips: Tensor, length: int, *, official: bool = False) -> Tensor:
    """Means of equal shares of the rows, `[B, L, V]`, `[B]` -> `[B, length, V]` (2D-TAN, CCA).

    Share k lies between the boundaries `k / length * rows` and the next, rounded half to even; an
    empty share takes the row at its boundary. Published code clips the boundaries to the last row,
    which so takes part only where its own share would be empty: `official` does.
    """
    last = num_clips.unsqueeze(1) - 1
    ideal = torch.arange(length + 1, device=video.device, dtype=torch.float32) / length * num_clips.unsqueeze(1)
    bounds = ideal.round().long()
    start, end = torch.minimum(bounds[:, :-1], last), torch.minimum(bounds[:, 1:], last + int(not official))
    if video.shape[1] <= length:
        # No more rows than shares: no share holds two rows.
        return _take(video, start)
    sums = F.pad(video.double().cumsum(1), (0, 0, 1, 0))
    means = (_take(sums, end) - _take(sums, start)) / (end - start).clamp_min(1).unsqueeze(2)
    return torch.where((end > start).unsqueeze(2), means.to(video.dtype), _take(video, start))


def stretch_linear(video: Tensor, num_clips: Tensor, length: int) -> Tensor:
    """Linear interpolation between clip centres, `[B, L, V]`, `[B]` -> `[B, length, V]` (BAN-APR).

    Equals `torch.nn.functional.interpolate` of each sample's valid rows, without aligned corners.
    """
    rows = num_clips.unsqueeze(1)
    centre = torch.arange(length, device=video.device, dtype=torch.float32) + 0.5
    position = (centre * (rows / length) - 0.5).clamp_min(0.0)
    below = torch.minimum(position.long(), rows - 1)
    above = torch.minimum(below + 1, rows - 1)
    share = (position - below).unsqueeze(2)
    return _take(video, below) * (1.0 - share) + _take(video, above) * share


def stretch_max(video: Tensor, num_clips: Tensor, length: int) -> Tensor:
    """Maxima of overlapping shares of the rows, `[B, L, V]`, `[B]` -> `[B, length, V]`.

    Share k holds every row that `[k, k + 1) / length` of the video touches. BAN-APR's code has it
    beside its interpolation; no published configuration uses it.
    """
    pooled = [
        F.adaptive_max_pool1d(rows[:count].t(), length).t()
        for rows, count in zip(video, num_clips.tolist(), strict=True)
    ]
    return torch.stack(pooled)


def _take(video: Tensor, index: Tensor) -> Tensor:
    """Rows `index` `[B, K]` of `[B, L, V]`."""
    return video.gather(1, index.unsqueeze(2).expand(-1, -1, video.shape[2]))

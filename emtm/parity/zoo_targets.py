"""Targets as TSGVZoo makes them (renjie-liang/TSGVZoo @63028cd), where they differ from the suite's own.

There a moment is marked on the feature rows and the marks are resampled with the rows, so that the
clip grid follows the resampling rule. Its soft boundary labels are `boundary_distribution` around
these clips, its clip classes `match_labels`, its IoU maps `moment_iou`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from emtm.data.resampling import Resampling, resample

MARK = 0.01
"""Share of marked rows from which a clip belongs to the moment."""


def marked_clips(
    fractions: npt.NDArray[np.float64], rows: int, max_clips: int, rule: Resampling = "zoo"
) -> npt.NDArray[np.float32]:
    """Share of each clip's rows that lie in the moment, `[n]`.

    `fractions` are start and end as shares of the video. The marked rows are the nearest ones,
    where 0 is the first row and 1 the last.
    """
    first, last = np.round(fractions * (rows - 1)).astype(np.int64)
    marks = np.zeros((rows, 1), np.float32)
    marks[first : last + 1] = 1.0
    return resample(marks, max_clips, rule)[:, 0]


def marked_span(marks: npt.NDArray[np.float32]) -> tuple[int, int]:
    """First and last clip of `marked_clips` that belong to the moment."""
    inside = np.flatnonzero(marks >= MARK)
    return int(inside[0]), int(inside[-1])


def sparse_moments(num_clips: int) -> Tensor:
    """Candidate moments of its maps, bool `[N, N]`: every start, and lengths ever further apart.

    The main diagonal, N/4 diagonals beside it, N/8 two apart and N/8 four apart, as far as they go.
    """
    counts = (num_clips // 4, num_clips // 8, num_clips // 8)
    steps = torch.repeat_interleave(torch.tensor([1, 2, 4]), torch.tensor(counts))
    offsets = torch.cat([torch.zeros(1, dtype=torch.long), steps.cumsum(0)])
    position = torch.arange(num_clips)
    return torch.isin(position - position.unsqueeze(1), offsets)


def clips_to_fractions(first: Tensor, last: Tensor, num_clips: Tensor, *, official: bool = False) -> Tensor:
    """Start and end of clips `[B]` as shares of the video, `[B, 2]`.

    `official` ends where the last clip begins, which makes a one-clip moment last no time.
    """
    end = last if official else last + 1
    return torch.stack([first, end], 1) / num_clips.unsqueeze(1)

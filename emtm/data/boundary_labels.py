"""Targets of BAN-APR (Dong and Yin, ACCV 2022) on a grid of N clips: boundaries and contrasts.

Moments are `[B, 2]` and durations `[B]`, in seconds.
"""

from __future__ import annotations

import torch
from torch import Tensor

_FLOOR = 0.1353
"""Gaussian weights below this (two standard deviations) count as 0."""


def boundary_clips(moment_s: Tensor, duration_s: Tensor, num_clips: int) -> Tensor:
    """Clip in which each moment starts and clip in which it ends, long `[B, 2]`.

    Kept within the grid and in order, which published code leaves to the annotations.
    """
    start, end = (moment_s * num_clips / duration_s.unsqueeze(1)).unbind(1)
    first = start.floor().clamp(0, num_clips - 1)
    last = torch.maximum((end.ceil() - 1).clamp(0, num_clips - 1), first)
    return torch.stack([first, last], 1).long()


def boundary_distribution(clips: Tensor, num_clips: int, sigma: float, peak: float) -> Tensor:
    """Gaussian around each boundary of `boundary_clips`, float `[B, 2, N]`, not normalised.

    The width is `sigma` times the moment's length; weights from `peak` on become 1, those beyond
    two widths 0.
    """
    position = torch.arange(num_clips, device=clips.device)
    lengths = (clips[:, 1] - clips[:, 0] + 1).double().view(-1, 1, 1)
    weights = torch.exp(-0.5 * ((position - clips.unsqueeze(2)) / (sigma * lengths)).square()).float()
    weights = torch.where(weights >= peak, 1.0, weights)
    return torch.where(weights < _FLOOR, 0.0, weights)


def contrast_masks(cells: Tensor, moment_s: Tensor, duration_s: Tensor, num_clips: int) -> Tensor:
    """Cells `[..., 2]` to attract to a query and to push from it, bool `[B, 2, ...]`.

    Attracted are cells that cover the moment; pushed off are those wholly before it, and those
    wholly after it that are no longer than what lies before its end. Where there is none to push,
    the first clip and the last serve.
    """
    view = (-1, *(1 for _ in cells.shape[:-1]))
    first, last = cells.unbind(-1)
    start = (moment_s[:, 0] * num_clips / duration_s).floor().long().view(view)
    end = (moment_s[:, 1] * num_clips / duration_s).ceil().long().view(view)
    covering = (first <= start) & (last >= end - 1)
    before = last < start
    after = (first >= end) & (last - first < end)
    apart = (before | after) & (first <= last)
    corner = (first == last) & ((first == 0) | (first == num_clips - 1))
    none = ~apart.flatten(1).any(1).view(view)
    return torch.stack([covering, apart | (none & corner)], 1)

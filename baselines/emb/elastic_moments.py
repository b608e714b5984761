"""Segments of a video, and the moments they make elastic (EMB, Huang et al., ECCV 2022).

The video is cut into cells of a few clips; every run of cells is a proposal. One that overlaps the
annotation enough widens it: a boundary anywhere between the two is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from emtm.layers.masking import NEGATIVE, mask_logits

RANK_IOU = 0.3, 0.7
"""IoUs that the ranker's targets rise from 0 to 1 between."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """Segments of each video: every pair of cells `(i, j)`, j >= i, row by row, P = N * N."""

    features: Tensor
    """`[B, P, D]`, 0 where there is no proposal."""
    bounds: Tensor
    """First and last clip, inclusive, long `[B, P, 2]`; 0 where there is no proposal."""
    mask: Tensor
    """Bool `[B, P]`."""


def pool_cells(x: Tensor, scale: int, *, official: bool = False) -> Tensor:
    """Maximum over each cell of `scale` clips, `[B, L, D]` -> `[B, ceil(L / scale), D]`.

    `official` fills up the last cell with -1e-30.
    """
    fill = -1e-30 if official else NEGATIVE
    padded = F.pad(x.transpose(1, 2), (0, -x.shape[1] % scale), value=fill)
    return F.max_pool1d(padded, scale).transpose(1, 2)


def segment_proposals(frames: Tensor, mask: Tensor, scale: int, *, official: bool = False) -> Proposals:
    """Max-pooled features and clip bounds of every run of cells, from frames `[B, L, D]`."""
    cells = pool_cells(frames.masked_fill(~mask.unsqueeze(2), NEGATIVE), scale, official=official)
    count = cells.shape[1]
    first = torch.arange(count, device=frames.device).unsqueeze(1)
    last = first.t()
    runs = cells.unsqueeze(1).masked_fill((last < first).unsqueeze(2), NEGATIVE).cummax(2).values
    valid = (last >= first) & mask[:, ::scale].unsqueeze(1)
    first_clip, last_clip = first * scale, (last + 1) * scale - 1
    bounds = torch.stack([first_clip.expand(count, count), last_clip.expand(count, count)], 2)
    bounds = torch.minimum(bounds, mask.sum(1).view(-1, 1, 1, 1) - 1)
    present = valid.unsqueeze(3)
    return Proposals((runs * present).flatten(1, 2), (bounds * present).flatten(1, 2), valid.flatten(1))


def span_overlap(a: Tensor, b: Tensor) -> Tensor:
    """IoU of spans of clips, both ends inclusive, `[..., 2]` -> `[...]`."""
    shared = torch.minimum(a[..., 1], b[..., 1]) - torch.maximum(a[..., 0], b[..., 0]) + 1
    joined = torch.maximum(a[..., 1], b[..., 1]) - torch.minimum(a[..., 0], b[..., 0]) + 1
    return shared.clamp_min(0) / joined


def confident_proposal(
    proposals: Proposals, logits: Tensor, overlap: Tensor, truth: Tensor, threshold: float
) -> Tensor:
    """Best-scored proposal among those with enough `overlap` `[B, P]`, or the truth: `[B, 2]`."""
    eligible = proposals.mask & (overlap >= threshold)
    best = logits.masked_fill(~eligible, -torch.inf).argmax(1)
    chosen = proposals.bounds[torch.arange(len(best), device=best.device), best]
    return torch.where(eligible.any(1, keepdim=True), chosen, truth)


def ranking_loss(logits: Tensor, overlap: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy of proposals' logits `[B, P]` with their scaled IoU, over all of the batch."""
    low, high = RANK_IOU
    targets = ((overlap - low) / (high - low)).clamp(0.0, 1.0)
    return F.binary_cross_entropy_with_logits(logits[mask], targets[mask])


def elastic_loss(logits: Tensor, first: Tensor, last: Tensor, mask: Tensor) -> Tensor:
    """Negative log of the probability of a boundary in `first` to `last` `[B]`, from logits `[B, L]`."""
    position = torch.arange(logits.shape[1], device=logits.device)
    right = (position >= first.unsqueeze(1)) & (position <= last.unsqueeze(1))
    log_probability = F.log_softmax(mask_logits(logits, mask), 1)
    return -log_probability.masked_fill(~right, -torch.inf).logsumexp(1).mean()

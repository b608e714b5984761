"""BAN-APR's adaptive sampling: the peaks of a moment map and the best moments around each."""

from __future__ import annotations

import torch
from torch import Tensor

from emtm.layers.nms import span_iou


def sample_proposals(
    spans: Tensor, scores: Tensor, threshold: float, peaks: int, neighbours: int, negatives: int = 0
) -> Tensor:
    """Indices of `negatives + peaks * (neighbours + 1)` spans for each sample, long `[B, K]`.

    Peaks are what greedy suppression above `threshold` keeps. With each come the `neighbours` best
    spans that it suppresses, already taken ones included; what is missing is filled with the best
    spans that nothing suppresses, and, where there are too few of those, with suppressed ones. In
    front stand the `negatives` worst unsuppressed spans, then the fillers, then peaks and neighbours
    by score. Follows `proposal_selection_with_negative`, which fails where fillers run out.

    Args:
        spans: start and end `[C, 2]`, the end exclusive, in any unit.
        scores: `[B, C]`; of equals the first counts as better.
        threshold: IoU above which a span is suppressed.
        peaks: number of peaks.
        neighbours: neighbours of each.
        negatives: number of worst spans.
    """
    batch, size = scores.shape
    order = scores.argsort(dim=1, descending=True, stable=True)
    ranked = spans.float()[order]
    rank = torch.arange(size, device=scores.device).expand(batch, size)
    suppressed = torch.zeros(batch, size, dtype=torch.bool, device=scores.device)
    chosen = torch.zeros_like(suppressed)
    for _ in range(peaks):
        # The worst span is never a peak in the published loop.
        free = ~suppressed & (rank < size - 1)
        peak = free.float().argmax(1, keepdim=True)
        there = free.gather(1, peak)
        around = span_iou(ranked, ranked.gather(1, peak.unsqueeze(2).expand(-1, -1, 2))) > threshold
        around = around & (rank > peak)
        near = around & (around.cumsum(1) <= neighbours)
        chosen = chosen | (there & (near | (rank == peak)))
        suppressed = suppressed | (there & (around | (rank == peak)))
    total = peaks * (neighbours + 1)
    missing = total - chosen.sum(1, keepdim=True)
    fillers = ~suppressed & ((~suppressed).cumsum(1) <= missing)
    # Categories by ascending key: fillers, chosen, and suppressed ones where there are no others.
    spare = ~(fillers | chosen)
    key = rank + size * chosen + 2 * size * spare
    picked = key.argsort(1)[:, :total]
    if negatives:
        worst = torch.where(suppressed, -1, rank).topk(negatives, 1).indices
        picked = torch.cat([worst, picked], 1)
    return order.gather(1, picked)

"""The best of scored temporal spans, with and without suppression, a batch at a time."""

from __future__ import annotations

import torch
from torch import Tensor


def span_iou(spans: Tensor, other: Tensor) -> Tensor:
    """IoU of spans `[..., 2]` (start, end), broadcast to `[...]`; 0 where they do not overlap."""
    overlap = torch.minimum(spans[..., 1], other[..., 1]) - torch.maximum(spans[..., 0], other[..., 0])
    hull = torch.maximum(spans[..., 1], other[..., 1]) - torch.minimum(spans[..., 0], other[..., 0])
    return torch.where(overlap > 0, overlap / torch.where(hull > 0, hull, 1.0), 0.0)


def nms(spans: Tensor, scores: Tensor, threshold: float, keep: int, *, strict: bool = True) -> Tensor:
    """Indices of the `keep` best spans that do not overlap a better kept one, long `[B, keep]`.

    Greedy: the best span left is kept (the first of equals), and every other whose IoU with it is
    above `threshold` is dropped; with `strict` False also one whose IoU equals it. Published code
    differs in this: 2D-TAN, BAN-APR and CCA are strict.

    Args:
        spans: start and end `[B, K, 2]`, in any unit.
        scores: `[B, K]`; -inf marks a span that is not there.
        threshold: largest IoU that two kept spans may have.
        keep: number of spans to keep; where fewer are left the row is padded with -1.
        strict: whether IoU must exceed the threshold to drop a span.
    """
    left = scores
    kept = []
    for rank in range(keep):
        best = left.argmax(1, keepdim=True)
        there = left.gather(1, best) > -torch.inf
        kept.append(torch.where(there, best, -1))
        if rank + 1 < keep:
            overlap = span_iou(spans, spans.gather(1, best.unsqueeze(2).expand(-1, -1, 2)))
            dropped = overlap > threshold if strict else overlap >= threshold
            # The kept span itself goes too, even one of no length.
            left = left.masked_fill(dropped, -torch.inf).scatter(1, best, -torch.inf)
    return torch.cat(kept, 1)


def best_moments(spans: Tensor, scores: Tensor, threshold: float, top_k: int, *, strict: bool = True) -> Tensor:
    """The `top_k` best spans with their scores after `nms`, `[B, top_k, 3]`; too few: the last is repeated."""
    index = nms(spans, scores, threshold, top_k, strict=strict)
    last = (index >= 0).sum(1, keepdim=True) - 1
    position = torch.arange(top_k, device=index.device).expand_as(index)
    index = index.gather(1, torch.minimum(position, last)).unsqueeze(2)
    return torch.cat([spans.gather(1, index.expand(-1, -1, 2)), scores.unsqueeze(2).gather(1, index)], 2)


def ranked_moments(spans: Tensor, scores: Tensor, top_k: int) -> Tensor:
    """The `top_k` best of spans `[B, K, 2]` with their scores `[B, K]`, `[B, top_k, 3]`; too few: the last is repeated.

    None is suppressed; of equals the first comes first.
    """
    ranks = torch.arange(top_k, device=scores.device).clamp_max(scores.shape[1] - 1)
    best = scores.argsort(dim=1, descending=True, stable=True)[:, ranks].unsqueeze(2)
    return torch.cat([spans.gather(1, best.expand(-1, -1, 2)), scores.unsqueeze(2).gather(1, best)], 2)

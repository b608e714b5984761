"""Losses of BAN-APR on boundaries and on contrasts between moments."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_EPS = 1e-8


def temporal_difference(x: Tensor) -> Tensor:
    """Squared distance of each clip to both its neighbours, `[B, N, D]` -> `[B, N]`; 0 over the borders."""
    step = x.diff(dim=1).square().sum(2)
    return F.pad(step, (0, 1)) + F.pad(step, (1, 0))


def temporal_difference_loss(difference: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy between `softmax(difference)` `[B, N]` and boundary weights `[B, N]`, each row by its sum."""
    each = -(weights * torch.log_softmax(difference, 1)).sum(1) / (weights.sum(1) + _EPS)
    return each.mean()


def contrast_loss(query: Tensor, cells: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """InfoNCE at temperature 1 of queries `[B, D]` with cells `[B, C, D]`, `positive` and `negative` being `[B, C]`.

    Averaged over the samples that have cells of both kinds; 0 where none has.
    """
    similarity = torch.einsum("bcd,bd->bc", F.normalize(cells, dim=2), F.normalize(query, dim=1)).exp()
    attracted = (similarity * positive).sum(1)
    everything = attracted + (similarity * negative).sum(1)
    usable = positive.any(1) & negative.any(1)
    each = -torch.log(torch.where(usable, attracted / (everything + _EPS), 1.0))
    return each.sum() / usable.sum().clamp_min(1)

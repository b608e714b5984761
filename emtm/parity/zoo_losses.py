"""Losses of TSGVZoo (renjie-liang/TSGVZoo @63028cd) on boundaries, sound and as published."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from emtm.layers.masking import mask_logits
from emtm.layers.span.losses import span_loss


def gaussian_span_loss(
    start_logits: Tensor, end_logits: Tensor, start: Tensor, end: Tensor, mask: Tensor, *, official: bool = False
) -> Tensor:
    """Cross-entropy of boundary logits `[B, L]` with Gaussian labels `[B, L]` of peak 1.

    Each label is brought to sum 1. `official` takes it as it is, so that long moments weigh more,
    and multiplies the logits with the mask: padding then competes with a logit of 0.
    """
    if official:
        return F.cross_entropy(start_logits * mask, start) + F.cross_entropy(end_logits * mask, end)
    start, end = (F.normalize(label * mask, p=1.0, dim=1) for label in (start, end))
    return span_loss(start_logits, end_logits, start, end, mask)


def unit_divergence(
    logits: Tensor, label: Tensor, mask: Tensor, temperature: float, *, official: bool = False
) -> Tensor:
    """KL divergence of one boundary after both sides were scaled to unit length, `[B]`.

    Both are divided by their L2 norm over the valid clips and by the temperature, then go through
    softmax. `official` takes the norm over padding of -1e30, which overflows: samples that have
    any padding become uniform on both sides and teach nothing.
    """

    def distribution(x: Tensor) -> Tensor:
        masked = mask_logits(x, mask) if official else x * mask
        unit = F.normalize(masked, dim=1) / temperature
        return torch.log_softmax(unit if official else mask_logits(unit, mask), 1)

    ours, target = distribution(logits), distribution(label)
    return (target.exp() * (target - ours)).sum(1)

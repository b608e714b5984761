"""Training losses of span models."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from emtm.layers.masking import mask_logits


def span_loss(
    start_logits: Tensor, end_logits: Tensor, start: Tensor, end: Tensor, mask: Tensor, weight: Tensor | None = None
) -> Tensor:
    """Mean over the batch of the cross-entropies of start and end logits `[B, L]`.

    Targets are soft distributions `[B, L]` (SeqPAN, EMTM) or clip indices `[B]` (VSLNet). A sample's `weight` `[B]`
    multiplies its own term; the mean stays that over the batch, so that others weigh no more for it.
    """
    if weight is not None:
        logits = mask_logits(start_logits, mask), mask_logits(end_logits, mask)
        each = [F.cross_entropy(*pair, reduction="none") for pair in zip(logits, (start, end), strict=True)]
        return ((each[0] + each[1]) * weight).mean()
    start_loss = F.cross_entropy(mask_logits(start_logits, mask), start)
    return start_loss + F.cross_entropy(mask_logits(end_logits, mask), end)


def match_loss(logits: Tensor, labels: Tensor, mask: Tensor, weight: Tensor | None = None) -> Tensor:
    """Cross-entropy of clip classes `[B, L, 4]`, averaged over all valid clips of the batch (SeqPAN).

    A sample's `weight` `[B]` multiplies the terms of its clips.
    """
    each = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    if weight is not None:
        each = each * weight.unsqueeze(1)
    return (each * mask).sum() / (mask.sum() + 1e-12)


def orthogonality(embeddings: Tensor) -> Tensor:
    """Frobenius norm of the off-diagonal part of E E^T for E `[N, D]` (SeqPAN).

    The gradient at exact orthogonality, where the square root has none, is taken as 0.
    """
    gram = torch.matmul(embeddings, embeddings.t())
    squared = (gram - torch.diag(torch.diagonal(gram))).square().sum()
    return torch.where(squared > 0, squared, 1.0).sqrt() * (squared > 0)


def highlight_loss(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy of highlight logits `[B, L]`, positives doubled (VSLNet).

    Averaged over all valid clips of the batch.
    """
    each = F.binary_cross_entropy_with_logits(logits, labels, reduction="none") * (1.0 + labels)
    return (each * mask).sum() / (mask.sum() + 1e-12)

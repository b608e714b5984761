"""Masks as the VSLNet family applies them."""

from __future__ import annotations

import torch
from torch import Tensor

from emtm.layers.tracing import traced

NEGATIVE = -1e30


def padded(mask: Tensor) -> bool:
    """Whether something may be padding; where asking costs more than masking, or binds a trace, the answer is yes."""
    return traced() or mask.device.type != "cpu" or not mask.all()


def where_padded(mask: Tensor) -> Tensor | None:
    """The mask, or None where nothing is padding: who asks once need not be asked again."""
    return mask if padded(mask) else None


def mask_logits(logits: Tensor, mask: Tensor | None) -> Tensor:
    """Logits with padded positions pushed to -1e30; the mask must broadcast to their shape, None masks nothing."""
    if mask is None or not padded(mask):
        return logits
    mask = mask.to(logits.dtype)
    return logits * mask + NEGATIVE * (1.0 - mask)


def key_bias(mask: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Additive attention bias `[B, 1, 1, L]`: 0 on valid keys, -1e30 on padding."""
    return ((1.0 - mask.to(dtype)) * NEGATIVE)[:, None, None, :]


def pair_bias(mask_from: Tensor, mask_to: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Published SeqPAN bias `[B, 1, L_from, L_to]` from the outer product of both masks.

    A padded query row is uniformly -1e30 and therefore attends to every position alike.
    """
    outer = torch.matmul(mask_from.to(dtype)[:, :, None], mask_to.to(dtype)[:, None, :])
    return ((1.0 - outer) * NEGATIVE)[:, None]

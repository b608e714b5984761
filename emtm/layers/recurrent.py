"""Recurrent layers that read each sequence's valid part alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BiLSTM(nn.Module):
    """One bidirectional LSTM layer over ragged sequences.

    Equals `nn.LSTM` on packed sequences, with static shapes and without copying lengths to the
    host: the backward direction runs forward over each sequence turned around in place.
    """

    def __init__(self, dim_in: int, dim: int) -> None:
        super().__init__()
        self.forwards = nn.LSTM(dim_in, dim, batch_first=True)
        self.backwards = nn.LSTM(dim_in, dim, batch_first=True)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`[B, L, D_in]`, mask `[B, L]` with padding at the end -> `[B, L, 2D]`, 0 on padding."""
        position = torch.arange(x.shape[1], device=x.device)
        turned = mask.sum(1, keepdim=True) - 1 - position
        order = torch.where(mask, turned, position).unsqueeze(2)
        backwards = self.backwards(_take(x, order))[0]
        return torch.cat([self.forwards(x)[0], _take(backwards, order)], 2) * mask.unsqueeze(2)


def _take(x: Tensor, order: Tensor) -> Tensor:
    """Rows `order` `[B, L, 1]` of `[B, L, D]`."""
    return x.gather(1, order.expand_as(x))

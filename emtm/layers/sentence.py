"""Sentences as word vectors, for models that know no characters."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from emtm.layers.recurrent import BiLSTM
from emtm.layers.word_table import hold_vectors


class FrozenWords(nn.Module):
    """Frozen pretrained vectors; padding and unknown words are zero vectors (2D-TAN, CCA, BAN-APR).

    Vectors that are a Parameter are learned instead.
    """

    vectors: Tensor

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        hold_vectors(self, vectors)

    def forward(self, word_ids: Tensor) -> Tensor:
        """Word ids `[B, T]` -> vectors `[B, T, W]`."""
        known = F.embedding((word_ids - 2).clamp_min(0), self.vectors)
        return known * (word_ids > 1).unsqueeze(-1)


class BiLSTMStack(nn.Module):
    """Bidirectional LSTM layers one on another, over ragged sequences."""

    def __init__(self, dim_in: int, dim: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(BiLSTM(dim_in if i == 0 else 2 * dim, dim) for i in range(layers))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`[B, L, D_in]`, mask `[B, L]` with padding at the end -> `[B, L, 2D]`, 0 on padding."""
        for layer in self.layers:
            x = layer(x, mask)
        return x


def last_valid(states: Tensor, mask: Tensor) -> Tensor:
    """State of each sequence's last valid position, `[B, L, D]`, `[B, L]` -> `[B, D]`."""
    index = (mask.sum(1) - 1).clamp_min(0).view(-1, 1, 1)
    return states.gather(1, index.expand(-1, -1, states.shape[2])).squeeze(1)

"""Attention of EAMAT (IJCAI 2022), whose queries, keys and values may come from strided LSTMs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.layers.attention import attend, merge_heads, split_heads
from emtm.layers.dropout import Dropout
from emtm.layers.encoder import NORM_EPS, linear
from emtm.layers.masking import key_bias
from emtm.layers.recurrent import BiLSTM


class StridedLSTM(nn.Module):
    """Bidirectional LSTMs, one a stride 1 to `strides`, side by side; a linear layer mixes them.

    The LSTM of stride s reads every s-th position, once from each of the first s. Of a sequence of n
    it reads s * (n // s) positions; at the rest it gives zeros. Published code takes the padded
    length for n and reads the padding with the rest (`official`).
    """

    def __init__(self, dim: int, strides: int, *, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.official = official
        self.norm = nn.LayerNorm(dim, NORM_EPS)
        self.encoders = nn.ModuleList(BiLSTM(dim, dim // 2) for _ in range(strides))
        self.out = linear(strides * dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`[B, L, D]`, mask `[B, L]` with padding at the end -> `[B, L, D]`."""
        x = self.norm(x)
        if self.official:
            mask = torch.ones_like(mask)
        states = [self.dropout(self._read(lstm, x, mask, stride)) for stride, lstm in enumerate(self.encoders, 1)]
        return self.out(torch.cat(states, 2))  # type: ignore[no-any-return]

    @staticmethod
    def _read(lstm: nn.Module, x: Tensor, mask: Tensor, stride: int) -> Tensor:
        length = x.shape[1]
        used = length // stride * stride
        if not used:
            return torch.zeros_like(x)
        whole = mask.sum(1, keepdim=True) // stride * stride
        read = torch.arange(used, device=x.device) < whole
        # The phases of a stride share weights: they go as samples of one batch.
        states = lstm(_phases(x[:, :used], stride), _phases(read, stride))
        states = states.reshape(len(x), stride, -1, x.shape[2]).transpose(1, 2).flatten(1, 2)
        return F.pad(states, (0, 0, 0, length - used))


def _phases(x: Tensor, stride: int) -> Tensor:
    """`[B, L, ...]` -> every `stride`-th position from each of the first, `[B * stride, L / stride, ...]`."""
    return x.reshape(len(x), -1, stride, *x.shape[2:]).transpose(1, 2).flatten(0, 1)


class AttentionBlock(nn.Module):
    """Pre-norm self-attention without output projection, then two layers with GELU, both residual.

    Queries, keys and values are linear, or strided LSTMs where `strides` is not 0.
    """

    def __init__(self, dim: int, heads: int, *, strides: int = 0, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.heads, self.recurrent = heads, strides > 0
        self.query, self.key, self.value = (
            StridedLSTM(dim, strides, dropout=dropout, official=official) if strides else linear(dim, dim)
            for _ in range(3)
        )
        self.norm_1, self.norm_2 = nn.LayerNorm(dim, NORM_EPS), nn.LayerNorm(dim, NORM_EPS)
        self.dropout = Dropout(dropout)
        self.dense = nn.Sequential(linear(dim, dim), nn.GELU(), Dropout(dropout), linear(dim, dim))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`[B, L, D]`, `[B, L]` -> `[B, L, D]`."""
        normed = self.norm_1(x)
        inputs = (normed, mask) if self.recurrent else (normed,)
        q, k, v = (split_heads(layer(*inputs), self.heads) for layer in (self.query, self.key, self.value))
        x = x + self.dropout(merge_heads(attend(q, k, v, key_bias(mask), self.dropout)))
        return x + self.dense(self.norm_2(x))  # type: ignore[no-any-return]

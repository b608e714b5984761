"""Transformer decoders whose attention can be reweighted position by position (CPL, CVPR 2022)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.layers.attention import merge_heads, split_heads
from emtm.layers.dropout import Dropout
from emtm.layers.encoder import linear
from emtm.layers.masking import NEGATIVE, key_bias

_LEAST_WEIGHT = 1e-10


def sinusoids(length: int, dim: int) -> Tensor:
    """Sines, then cosines of positions 0 to `length` - 1, `[length, dim]`; the first row is 0."""
    half = dim // 2
    rates = torch.exp(torch.arange(half) * (-math.log(10000.0) / max(half - 1, 1)))
    angles = torch.arange(length).unsqueeze(1) * rates
    table = F.pad(torch.cat([angles.sin(), angles.cos()], 1), (0, dim % 2))
    return torch.cat([torch.zeros(1, dim), table[1:]])


class ReweightedAttention(nn.Module):
    """Multi-head attention whose probabilities may be multiplied by a weight for each key."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (linear(dim, dim) for _ in range(4))

    def forward(self, x: Tensor, source: Tensor, bias: Tensor, weight: Tensor | None = None) -> Tensor:
        """x `[B, L, D]` attends to source `[B, S, D]`.

        `bias` is additive and broadcasts to `[B, H, L, S]`; `weight` is non-negative, `[B, S]`.
        """
        q, k, v = (
            split_heads(layer(features), self.heads)
            for layer, features in ((self.query, x), (self.key, source), (self.value, source))
        )
        scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(2, 3)) + bias
        attention = torch.softmax(scores, -1)
        if weight is not None:
            attention = attention * (weight[:, None, None, :] + _LEAST_WEIGHT)
            attention = attention / attention.sum(-1, keepdim=True)
        return self.out(merge_heads(torch.matmul(attention, v)))  # type: ignore[no-any-return]


class DecoderLayer(nn.Module):
    """Causal self-attention, attention to a source if there is one, two dense layers; post-norm."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.own, self.other = ReweightedAttention(dim, heads), ReweightedAttention(dim, heads)
        self.dense = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))
        self.norm_own, self.norm_other, self.norm_dense = (nn.LayerNorm(dim) for _ in range(3))
        self.dropout = Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        bias: Tensor,
        weight: Tensor | None,
        source: tuple[Tensor, Tensor, Tensor | None] | None,
    ) -> Tensor:
        """x `[B, L, D]`; `source` is features, bias and weight of what is attended to."""
        x = self.norm_own(x + self.dropout(self.own(x, x, bias, weight)))
        if source is not None:
            features, source_bias, source_weight = source
            x = self.norm_other(x + self.dropout(self.other(x, features, source_bias, source_weight)))
        return self.norm_dense(x + self.dropout(self.dense(x)))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Layers that read a sequence from left to right, alone or beside a source."""

    def __init__(self, dim: int, heads: int, layers: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(dim, heads, dropout) for _ in range(layers))

    def forward(
        self,
        x: Tensor,
        mask: Tensor,
        weight: Tensor | None = None,
        source: tuple[Tensor, Tensor, Tensor | None] | None = None,
    ) -> Tensor:
        """`[B, L, D]`, `[B, L]`, weight of each position `[B, L]` or None -> `[B, L, D]`.

        `source` is features `[B, S, D]`, mask `[B, S]` and weight `[B, S]` or None.
        """
        bias = key_bias(mask) + torch.full((x.shape[1], x.shape[1]), NEGATIVE, device=x.device).triu(1)
        other = None if source is None else (source[0], key_bias(source[1]), source[2])
        for layer in self.layers:
            x = layer(x, bias, weight, other)
        return x

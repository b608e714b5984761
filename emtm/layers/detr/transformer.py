"""Transformer parts of the DETR family: input projections, positions, post-norm attention layers.

Follows line/lighthouse @d095eaa, after DETR (Carion et al., ECCV 2020). Positions are added to queries
and keys in every layer, never to values. Padding is masked as key everywhere, so that no prediction
depends on it.
"""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.layers.attention import attend, merge_heads, split_heads
from emtm.layers.dropout import Dropout
from emtm.layers.encoder import linear

ANCHOR_EPS = 1e-3
"""Fractions closer than this to 0 or 1 count as this close in `inverse_sigmoid`."""


def input_projection(dim_in: int, dim: int, layers: int, dropout: float) -> nn.Sequential:
    """`layers` times LayerNorm, dropout and linear layer, with ReLU between them: `[..., dim_in]` -> `[..., dim]`."""
    parts: list[nn.Module] = []
    for index in range(layers):
        width = dim if index else dim_in
        parts += [nn.LayerNorm(width), Dropout(dropout), linear(width, dim), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def mlp(*widths: int) -> nn.Sequential:
    """Linear layers from width to width with ReLU between them."""
    parts: list[nn.Module] = []
    for dim_in, dim_out in itertools.pairwise(widths):
        parts += [linear(dim_in, dim_out), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def feed_forward(dim: int, hidden: int, dropout: float, activation: nn.Module) -> nn.Sequential:
    """Two linear layers with `activation` and dropout between them."""
    return nn.Sequential(linear(dim, hidden), activation, Dropout(dropout), linear(hidden, dim))


def sinusoids(angle: Tensor, dim: int) -> Tensor:
    """Interleaved sines and cosines of angles `[...]` at falling frequencies -> `[..., dim]`; `dim` is even."""
    pair = torch.arange(0, dim, 2, device=angle.device, dtype=torch.float32)
    phase = angle.unsqueeze(-1) / 10000.0 ** (pair / dim)
    return torch.stack([phase.sin(), phase.cos()], -1).flatten(-2)


def sine_positions(mask: Tensor, dim: int) -> Tensor:
    """Positions as fractions of each video, `[B, L]` -> `[B, L, dim]`; clip i of n is at (i + 1) / n of a turn."""
    count = mask.cumsum(1, dtype=torch.float32)
    return sinusoids(count / (count[:, -1:] + 1e-6) * (2 * math.pi), dim)


def clip_places(mask: Tensor) -> Tensor:
    """Where each clip starts and ends, as fractions of the video: `[B, L]` -> `[B, L, 2]`, 0 on padding."""
    last = mask.cumsum(1, dtype=torch.float32)
    ends = torch.stack([last - 1, last], 2) / last[:, -1:, None]
    return ends * mask.unsqueeze(2)


def inverse_sigmoid(x: Tensor) -> Tensor:
    """Logits of fractions, those within `ANCHOR_EPS` of 0 or 1 as if they were that far."""
    x = x.clamp(0.0, 1.0)
    return torch.log(x.clamp_min(ANCHOR_EPS) / (1.0 - x).clamp_min(ANCHOR_EPS))


class MultiHeadAttention(nn.Module):
    """Attention with input and output projections, as `torch.nn.MultiheadAttention`."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (linear(dim, dim) for _ in range(4))
        for layer in (self.query, self.key, self.value):
            # Published weights of the three are one matrix, and its Glorot limit is that much narrower.
            nn.init.xavier_uniform_(layer.weight, gain=0.5**0.5)
        self.dropout = Dropout(dropout)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
        """`[B, Q, D]`, `[B, L, D]` twice, additive bias (broadcast to `[B, H, Q, L]`) -> `[B, Q, D]`."""
        projected = (self.query(query), self.key(key), self.value(value))
        q, k, v = (split_heads(x, self.heads) for x in projected)
        bias = query.new_zeros(()) if bias is None else bias
        return self.out(merge_heads(attend(q, k, v, bias, self.dropout)))  # type: ignore[no-any-return]


class AttentionLayer(nn.Module):
    """Post-norm attention of a sequence to itself or to a `source`, then a feed-forward block."""

    def __init__(self, dim: int, heads: int, hidden: int, dropout: float, activation: type[nn.Module]) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(dim, heads, dropout)
        self.feed_forward = feed_forward(dim, hidden, dropout, activation())
        self.norm_1, self.norm_2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, position: Tensor, bias: Tensor, source: Tensor | None = None) -> Tensor:
        """`[B, L, D]` with positions `[B, L, D]`; `source` `[B, S, D]` has none. -> `[B, L, D]`."""
        query = x + position
        key, value = (query, x) if source is None else (source, source)
        x = self.norm_1(x + self.dropout(self.attention(query, key, value, bias)))
        return self.norm_2(x + self.dropout(self.feed_forward(x)))  # type: ignore[no-any-return]


def join(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Two sequences `[B, L, D]` with their masks `[B, L]`, one behind the other."""
    return torch.cat([first[0], second[0]], 1), torch.cat([first[1], second[1]], 1)


def extend_positions(position: Tensor, length: int) -> Tensor:
    """`[B, L, D]` with zeros behind for sequences that have no positions, up to `length`."""
    return F.pad(position, (0, 0, 0, length - position.shape[1]))

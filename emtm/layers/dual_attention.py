"""Dual-attention block of SeqPAN (ACL Findings 2021)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from emtm.layers.dropout import Dropout
from emtm.layers.encoder import NORM_EPS, attend, linear, merge_heads, split_heads
from emtm.layers.masking import key_bias, mask_logits, pair_bias


class Bilinear(nn.Module):
    """`x W1 + y W2 + b`."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.x = linear(dim, dim)
        self.y = linear(dim, dim, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Two `[B, L, D]` -> `[B, L, D]`."""
        return self.x(x) + self.y(y)  # type: ignore[no-any-return]


class DualAttention(nn.Module):
    """Self- and cross-attention with a shared query, gated by each other.

    One set of weights serves both directions (video <- query and query <- video).
    """

    def __init__(self, dim: int, heads: int, *, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.official = official
        self.norm_from = nn.LayerNorm(dim, NORM_EPS)
        self.norm_to = nn.LayerNorm(dim, NORM_EPS)
        self.query = linear(dim, dim)
        self.self_key, self.self_value = linear(dim, dim), linear(dim, dim)
        self.cross_key, self.cross_value = linear(dim, dim), linear(dim, dim)
        self.self_out, self.cross_out = linear(dim, dim), linear(dim, dim)
        self.self_gate, self.cross_gate = linear(dim, dim), linear(dim, dim)
        self.guided = linear(dim, dim)
        self.score, self.value = Bilinear(dim), Bilinear(dim)
        self.out_1 = linear(dim, dim)
        self.norm_2 = nn.LayerNorm(dim, NORM_EPS)
        self.out_2 = linear(dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, y: Tensor, mask_x: Tensor, mask_y: Tensor) -> Tensor:
        """Updates x `[B, L, D]` from itself and y `[B, T, D]` -> `[B, L, D]`."""
        if self.official:
            bias_self, bias_cross = pair_bias(mask_x, mask_x), pair_bias(mask_x, mask_y)
        else:
            bias_self, bias_cross = key_bias(mask_x), key_bias(mask_y)
        a, b = self.norm_from(x), self.norm_to(y)
        query = split_heads(self.query(a), self.heads)
        own = self._attend(query, a, self.self_key, self.self_value, bias_self)
        other = self._attend(query, b, self.cross_key, self.cross_value, bias_cross)
        own, other = self.self_out(own), self.cross_out(other)
        mixed = torch.sigmoid(self.self_gate(own)) * other + torch.sigmoid(self.cross_gate(other)) * own
        mixed = self.guided(mixed)
        gate = torch.sigmoid(mask_logits(self.score(a, mixed), mask_x.unsqueeze(2)))
        x = x + self.dropout(self.out_1(gate * self.value(a, mixed)))
        return x + self.dropout(self.out_2(self.dropout(self.norm_2(x))))  # type: ignore[no-any-return]

    def _attend(self, query: Tensor, source: Tensor, key: nn.Module, value: nn.Module, bias: Tensor) -> Tensor:
        k, v = split_heads(key(source), self.heads), split_heads(value(source), self.heads)
        return merge_heads(attend(query, k, v, bias, self.dropout))


class DualAttentionStack(nn.Module):
    """Blocks in a row; inside a block both directions read the block's input."""

    def __init__(self, dim: int, heads: int, *, layers: int = 2, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            DualAttention(dim, heads, dropout=dropout, official=official) for _ in range(layers)
        )

    def forward(self, video: Tensor, query: Tensor, video_mask: Tensor, query_mask: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, L, D]`, `[B, T, D]` -> both, attended."""
        for block in self.blocks:
            video, query = (
                block(video, query, video_mask, query_mask),
                block(query, video, query_mask, video_mask),
            )
        return video, query

"""Dual-attention block of SeqPAN (ACL Findings 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.layers.attention import attend, merge_heads, split_heads
from emtm.layers.dropout import Dropout
from emtm.layers.encoder import NORM_EPS, linear
from emtm.layers.masking import key_bias, mask_logits, padded, pair_bias


class Bilinear(nn.Module):
    """Weights of `x W1 + y W2 + b`."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.x = linear(dim, dim)
        self.y = linear(dim, dim, bias=False)


class DualAttention(nn.Module):
    """Self- and cross-attention with a shared query, gated by each other.

    One set of weights serves both directions (video <- query and query <- video), so whatever is
    done position by position is done on both sequences in a row, and layers that read the same
    input are one product: many small operations would cost a training step more than their work.
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

    def forward(self, x: Tensor, video_mask: Tensor, query_mask: Tensor) -> Tensor:
        """Clips and words in a row, `[B, L + T, D]`, and masks `[B, L]`, `[B, T]` -> `[B, L + T, D]`."""
        masks = video_mask, query_mask
        a, b = self.norm_from(x), self.norm_to(x)
        query, own_key, own_value, score, value = together(
            a, [self.query, self.self_key, self.self_value, self.score.x, self.value.x]
        )
        cross_key, cross_value = together(b, [self.cross_key, self.cross_value])
        queries = self._heads(query, masks)
        own = self._attend(queries, own_key, own_value, masks, crossed=False)
        other = self._attend(queries, cross_key, cross_value, masks, crossed=True)
        own, other = self.self_out(own), self.cross_out(other)
        mixed = torch.sigmoid(self.self_gate(own)) * other + torch.sigmoid(self.cross_gate(other)) * own
        mixed_score, mixed_value = together(self.guided(mixed), [self.score.y, self.value.y])
        gate = torch.sigmoid(mask_logits(score + mixed_score, torch.cat(masks, 1).unsqueeze(2)))
        x = x + self.dropout(self.out_1(gate * (value + mixed_value)))
        return x + self.dropout(self.out_2(self.dropout(self.norm_2(x))))  # type: ignore[no-any-return]

    def _heads(self, x: Tensor, masks: Sequence[Tensor]) -> list[Tensor]:
        """`[B, L + T, D]` -> of the clips `[B, H, L, D/H]`, of the words `[B, H, T, D/H]`."""
        return [split_heads(part, self.heads) for part in torch.split(x, [mask.shape[1] for mask in masks], 1)]

    def _attend(
        self, queries: Sequence[Tensor], key: Tensor, value: Tensor, masks: Sequence[Tensor], *, crossed: bool
    ) -> Tensor:
        """Clips and words attend to themselves, or, crossed, to each other; `[B, L + T, D]`."""
        keys, values = self._heads(key, masks), self._heads(value, masks)
        results = []
        for i, query in enumerate(queries):
            j = 1 - i if crossed else i
            bias = self._bias(masks[i], masks[j])
            results.append(merge_heads(attend(query, keys[j], values[j], bias, self.dropout, fused=not self.official)))
        return torch.cat(results, 1)

    def _bias(self, asking: Tensor, asked: Tensor) -> Tensor | None:
        if self.official:
            return pair_bias(asking, asked)
        return key_bias(asked) if padded(asked) else None


def together(x: Tensor, layers: Sequence[nn.Linear]) -> tuple[Tensor, ...]:
    """Outputs of linear layers that read the same `[..., D]`, all with a bias or none, in one product."""
    weights: list[Tensor] = [layer.weight for layer in layers]
    biases: list[Tensor] = [layer.bias for layer in layers if layer.bias is not None]
    out = F.linear(x, torch.cat(weights), torch.cat(biases) if biases else None)
    return torch.split(out, [layer.out_features for layer in layers], -1)


class DualAttentionStack(nn.Module):
    """Blocks in a row; inside a block both directions read the block's input."""

    def __init__(self, dim: int, heads: int, *, layers: int = 2, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            DualAttention(dim, heads, dropout=dropout, official=official) for _ in range(layers)
        )

    def forward(self, video: Tensor, query: Tensor, video_mask: Tensor, query_mask: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, L, D]`, `[B, T, D]` -> both, attended."""
        x = torch.cat([video, query], 1)
        for block in self.blocks:
            x = block(x, video_mask, query_mask)
        video, query = torch.split(x, [video.shape[1], query.shape[1]], 1)
        return video, query

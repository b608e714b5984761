"""Attention of EMB (ECCV 2022), whose query is mixed with two guide features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.layers.attention import attend, merge_heads, split_heads
from emtm.layers.dropout import Dropout
from emtm.layers.encoder import NORM_EPS, linear
from emtm.layers.masking import NEGATIVE


class Guide(nn.Module):
    """Mixes a sequence with two guides: depthwise over time and guides, then pointwise."""

    def __init__(self, dim: int, width: int, dropout: float) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(dim, dim, (width, 3), padding=(width // 2, 0), groups=dim, bias=False)
        nn.init.xavier_uniform_(self.depthwise.weight)
        self.pointwise = nn.Sequential(linear(dim, dim), Dropout(dropout), nn.LayerNorm(dim, NORM_EPS), nn.ReLU())

    def forward(self, before: Tensor, after: Tensor, x: Tensor) -> Tensor:
        """Three `[B, L, D]` -> `[B, L, D]`."""
        image = torch.stack([before, after, x], 3).transpose(1, 2)
        return self.pointwise(self.depthwise(image).squeeze(3).transpose(1, 2))  # type: ignore[no-any-return]


class GuidedAttention(nn.Module):
    """Post-norm attention without output projection, then two layers; the query may be guided."""

    def __init__(self, dim: int, heads: int, *, guide_width: int | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = linear(dim, dim), linear(dim, dim), linear(dim, dim)
        self.guide = None if guide_width is None else Guide(dim, guide_width, dropout)
        self.dense = nn.Sequential(linear(dim, dim), nn.ReLU(), linear(dim, dim))
        self.norm_1, self.norm_2 = nn.LayerNorm(dim, NORM_EPS), nn.LayerNorm(dim, NORM_EPS)
        self.dropout = Dropout(dropout)

    def forward(
        self, x: Tensor, bias: Tensor, source: Tensor | None = None, guides: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """x `[B, L, D]` attends to `source` `[B, S, D]`, by default to itself -> `[B, L, D]`."""
        asking = x if self.guide is None or guides is None else self.guide(*guides, x)
        source = asking if source is None else source
        layers = (self.query, asking), (self.key, source), (self.value, source)
        q, k, v = (split_heads(layer(features), self.heads) for layer, features in layers)
        x = self.norm_1(x + self.dropout(merge_heads(attend(q, k, v, bias, self.dropout))))
        return self.norm_2(x + self.dropout(self.dense(x)))  # type: ignore[no-any-return]


def running_context(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Maximum over the valid clips before, and over those after, each valid clip: two `[B, L, D]`.

    0 where there is none. Padding trails the clips.
    """
    keep = mask.unsqueeze(2)
    x = x.masked_fill(~keep, NEGATIVE)
    before = F.pad(x, (0, 0, 1, -1), value=NEGATIVE).cummax(1).values
    after = F.pad(x, (0, 0, -1, 1), value=NEGATIVE).flip(1).cummax(1).values.flip(1)
    return before * (F.pad(keep, (0, 0, 1, -1)) & keep), after * F.pad(keep, (0, 0, -1, 1))


def dense_context(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """`running_context` as published, by tensors of `[B, L, L, D]`."""
    position = torch.arange(x.shape[1], device=x.device)
    pairs = mask.unsqueeze(2) & mask.unsqueeze(1)
    guides = []
    for chosen in (position.unsqueeze(1) > position, position.unsqueeze(1) < position):
        counted = chosen & pairs
        masked = x.unsqueeze(1) + (1.0 - counted.to(x.dtype)).unsqueeze(3) * NEGATIVE
        guides.append(masked.amax(2) * counted.any(2, keepdim=True))
    return guides[0], guides[1]

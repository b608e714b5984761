"""Sequence encoders: positions, depthwise-separable convolutions, self-attention."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.layers.attention import attend, merge_heads, split_heads
from emtm.layers.dropout import Dropout
from emtm.layers.masking import padded

NORM_EPS = 1e-6


def linear(dim_in: int, dim_out: int, *, bias: bool = True) -> nn.Linear:
    """Linear layer with Glorot-uniform weights and zero bias, as the whole family initialises it."""
    layer = nn.Linear(dim_in, dim_out, bias=bias)
    nn.init.xavier_uniform_(layer.weight)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


def sinusoids(length: int, dim: int) -> Tensor:
    """Positions as interleaved sines and cosines, `[length, dim]`."""
    angle = torch.arange(length).unsqueeze(1) * torch.exp(torch.arange(0, dim, 2) * (-math.log(10000.0) / dim))
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1)[:, :dim]


class PositionEmbedding(nn.Module):
    """Adds one learned vector a position to `[B, L, D]`."""

    def __init__(self, max_length: int, dim: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(max_length, dim))
        nn.init.xavier_uniform_(self.table)

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        """`[B, L, D]`, whose first is at the position `first` -> `[B, L, D]`; the last must not exceed the table."""
        return x + self.table[first : first + x.shape[1]]


class DepthwiseSeparableConv(nn.Module):
    """Depthwise convolution over time (no bias), then a pointwise layer with bias.

    Sequences are images of height one with their channels last, `[B, 1, L, D]`: a 2-D convolution takes them as
    they lie in memory, where conv1d copies them, which costs as much as the convolution.
    """

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.padding = width // 2
        self.depthwise = nn.Parameter(torch.empty(dim, 1, width))
        limit = (6.0 / (dim * width + width)) ** 0.5
        nn.init.uniform_(self.depthwise, -limit, limit)
        self.pointwise = linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, 1, L, D]` -> `[B, 1, L, D]`."""
        image, weight = x.permute(0, 3, 1, 2), self.depthwise.unsqueeze(2)
        out = F.conv2d(image, weight, padding=(0, self.padding), groups=x.shape[3])
        return self.pointwise(out.permute(0, 2, 3, 1))  # type: ignore[no-any-return]


class ConvBlock(nn.Module):
    """Residual stack of LayerNorm, depthwise-separable convolution, ReLU and dropout.

    Published code convolves over padding, which is not zero there. By default the input of each
    convolution is masked, which equals running the sample alone without padding.
    """

    def __init__(
        self, dim: int, *, layers: int = 4, width: int = 7, dropout: float = 0.0, official: bool = False
    ) -> None:
        super().__init__()
        self.official = official
        self.norms = nn.ModuleList(nn.LayerNorm(dim, NORM_EPS) for _ in range(layers))
        self.convs = nn.ModuleList(DepthwiseSeparableConv(dim, width) for _ in range(layers))
        self.dropout = Dropout(dropout)
        self.reach = layers * (width // 2)
        """Positions to either side that an output depends on."""

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """`[B, L, D]`, `[B, L]` or None where nothing is padding -> `[B, L, D]`."""
        keep = mask[:, None, :, None] if mask is not None and not self.official and padded(mask) else None
        x = x.unsqueeze(1)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            normed = norm(x)
            if keep is not None:
                normed = normed * keep
            x = x + self.dropout(F.relu(conv(normed)))
        return x.squeeze(1)


class SelfAttentionBlock(nn.Module):
    """Pre-norm multi-head self-attention without output projection, then one residual linear layer."""

    def __init__(self, dim: int, heads: int, *, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.heads, self.fused = heads, not official
        self.norm_1 = nn.LayerNorm(dim, NORM_EPS)
        self.query = linear(dim, dim)
        self.key = linear(dim, dim)
        self.value = linear(dim, dim)
        self.norm_2 = nn.LayerNorm(dim, NORM_EPS)
        self.out = linear(dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """`[B, L, D]` with additive attention bias (broadcast to `[B, H, L, L]`), if any -> `[B, L, D]`."""
        drop = self.dropout
        normed = drop(self.norm_1(x))
        q, k, v = (split_heads(layer(normed), self.heads) for layer in (self.query, self.key, self.value))
        x = x + drop(merge_heads(attend(q, k, v, bias, drop, fused=self.fused)))
        return x + drop(self.out(drop(self.norm_2(x))))  # type: ignore[no-any-return]


class FeatureEncoder(nn.Module):
    """Positions, convolution block and self-attention block in a row."""

    def __init__(self, dim: int, heads: int, max_length: int, *, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.positions = PositionEmbedding(max_length, dim)
        self.conv_block = ConvBlock(dim, dropout=dropout, official=official)
        self.attention = SelfAttentionBlock(dim, heads, dropout=dropout, official=official)

    def forward(self, x: Tensor, mask: Tensor | None, bias: Tensor | None) -> Tensor:
        """`[B, L, D]`, mask `[B, L]` and attention bias, None where nothing is padding -> `[B, L, D]`."""
        x = self.conv_block(self.positions(x), mask)
        return self.attention(x, bias)  # type: ignore[no-any-return]

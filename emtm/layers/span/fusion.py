"""Context-query attention and concatenation (VSLNet, ACL 2020; after QANet and BiDAF)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from emtm.layers.dropout import Dropout
from emtm.layers.encoder import linear
from emtm.layers.masking import mask_logits


class ContextQueryAttention(nn.Module):
    """Trilinear attention between two sequences x (context) and y (query).

    With s_ij = w1.x_i + w2.y_j + w3.(x_i * y_j), S_r its softmax over j and S_c over i::

        out = W [x ; S_r y ; x * S_r y ; x * S_r S_c^T x]

    Published code forms the `[L, L]` product S_r S_c^T first; `official` keeps that order. The
    default order S_r (S_c^T x) computes the same with `2 L T D` instead of `L^2 (T + D)` MACs.
    """

    def __init__(self, dim: int, *, bias: bool = False, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.official = official
        self.weight_x = nn.Parameter(torch.empty(dim, 1))
        self.weight_y = nn.Parameter(torch.empty(dim, 1))
        self.weight_xy = nn.Parameter(torch.empty(1, 1, dim))
        for weight in (self.weight_x, self.weight_y, self.weight_xy):
            nn.init.xavier_uniform_(weight)
        self.out = linear(4 * dim, dim, bias=bias)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, y: Tensor, mask_x: Tensor | None, mask_y: Tensor | None) -> Tensor:
        """`[B, L, D]`, `[B, T, D]`, masks `[B, L]`, `[B, T]` or None where nothing is padding -> `[B, L, D]`."""
        dropped_x, dropped_y = self.dropout(x), self.dropout(y)
        score = torch.matmul(dropped_x * self.weight_xy, dropped_y.transpose(1, 2))
        score = score + torch.matmul(dropped_x, self.weight_x)
        score = score + torch.matmul(dropped_y, self.weight_y).transpose(1, 2)
        over_y = torch.softmax(score if mask_y is None else mask_logits(score, mask_y.unsqueeze(1)), 2)
        over_x = torch.softmax(score if mask_x is None else mask_logits(score, mask_x.unsqueeze(2)), 1).transpose(1, 2)
        x_to_y = torch.matmul(over_y, y)
        if self.official:
            y_to_x = torch.matmul(torch.matmul(over_y, over_x), x)
        else:
            y_to_x = torch.matmul(over_y, torch.matmul(over_x, x))
        return self.out(torch.cat([x, x_to_y, x * x_to_y, x * y_to_x], 2))  # type: ignore[no-any-return]


class ContextQueryConcat(nn.Module):
    """Attention-pools the query sequence to one vector and mixes it into every clip."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pool = nn.Parameter(torch.empty(dim, 1))
        nn.init.xavier_uniform_(self.pool)
        self.out = linear(2 * dim, dim)

    def forward(self, context: Tensor, query: Tensor, query_mask: Tensor | None) -> Tensor:
        """`[B, L, D]`, `[B, T, D]`, `[B, T]` or None where nothing is padding -> `[B, L, D]`."""
        logits = torch.matmul(query, self.pool)
        if query_mask is not None:
            logits = mask_logits(logits, query_mask.unsqueeze(2))
        pooled = torch.matmul(query.transpose(1, 2), torch.softmax(logits, 1)).transpose(1, 2)
        return self.out(torch.cat([context, pooled.expand_as(context)], 2))  # type: ignore[no-any-return]

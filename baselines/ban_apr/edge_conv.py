"""Edge convolution over a complete graph of proposals (after DGCNN, Wang et al., 2019)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class EdgeConv(nn.Module):
    """out_i = max_j ReLU(W [x_j - x_i; x_i] + b) over all K nodes.

    `official` forms all K x K pairs, as BAN-APR's code does. The default gives the same from two
    products of K rows: node i's own part does not depend on j, and ReLU keeps the order.
    """

    def __init__(self, dim: int, *, official: bool = False) -> None:
        super().__init__()
        self.official = official
        self.edge = nn.Linear(2 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, K, D]` -> `[B, K, D]`."""
        if self.official:
            other, own = x.unsqueeze(1), x.unsqueeze(2)
            pairs = torch.cat([other - own, own.expand(-1, -1, x.shape[1], -1)], 3)
            return F.relu(self.edge(pairs)).amax(2)
        of_other, of_own = self.edge.weight.chunk(2, 1)
        best = F.linear(x, of_other).amax(1, keepdim=True)
        return F.relu(best + F.linear(x, of_own - of_other, self.edge.bias))

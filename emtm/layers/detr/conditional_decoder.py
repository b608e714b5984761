"""Decoder whose queries are spans that are refined from layer to layer (QD-DETR, EaTR).

Follows line/lighthouse @d095eaa, after DAB-DETR (Liu et al., ICLR 2022): each query has an anchor, a
centre and a width. Its sinusoids are the query's position; attention to the memory weighs contents
and positions apart, the latter the sharper the narrower the anchor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from emtm.layers.attention import attend, merge_heads, split_heads
from emtm.layers.detr.transformer import feed_forward, inverse_sigmoid, mlp, sinusoids
from emtm.layers.dropout import Dropout
from emtm.layers.encoder import linear


def embed_anchors(anchors: Tensor, dim: int) -> Tensor:
    """Sinusoids of centre and of width, fractions `[..., 2]` -> `[..., 2 * dim]`."""
    return sinusoids(anchors * (2 * math.pi), dim).flatten(-2)


class ConditionalLayer(nn.Module):
    """Post-norm attention of queries to each other, then to the memory, then a feed-forward block.

    The `first` layer adds positions to the contents in its attention to the memory as well. A `gate`
    takes the queries and a context between both attentions.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        hidden: int,
        dropout: float,
        activation: type[nn.Module],
        *,
        first: bool,
        gate: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.self_query, self.self_query_position = linear(dim, dim), linear(dim, dim)
        self.self_key, self.self_key_position = linear(dim, dim), linear(dim, dim)
        self.self_value, self.self_out = linear(dim, dim), linear(dim, dim)
        self.query, self.query_anchor = linear(dim, dim), linear(dim, dim)
        self.query_position = linear(dim, dim) if first else None
        self.key, self.key_position = linear(dim, dim), linear(dim, dim)
        self.value, self.out = linear(dim, dim), linear(dim, dim)
        self.gate = gate
        self.feed_forward = feed_forward(dim, hidden, dropout, activation())
        self.norm_1, self.norm_2, self.norm_3 = (nn.LayerNorm(dim) for _ in range(3))
        self.dropout = Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        query_position: Tensor,
        anchor: Tensor,
        memory: Tensor,
        position: Tensor,
        bias: Tensor,
        context: Tensor | None = None,
    ) -> Tensor:
        """One layer.

        Args:
            x: queries, `[B, Q, D]`.
            query_position: `[B, Q, D]`, for the attention among queries.
            anchor: sinusoids of the anchors, `[B, Q, D]`, for the attention to the memory.
            memory: `[B, L, D]`.
            position: of the memory, `[B, L, D]`.
            bias: additive, `[B, 1, 1, L]`.
            context: what the gate takes beside the queries.
        """
        x = self.norm_1(x + self.dropout(self._among_queries(x, query_position)))
        if self.gate is not None:
            x = self.gate(x, context)
        x = self.norm_2(x + self.dropout(self._to_memory(x, query_position, anchor, memory, position, bias)))
        return self.norm_3(x + self.dropout(self.feed_forward(x)))  # type: ignore[no-any-return]

    def _among_queries(self, x: Tensor, position: Tensor) -> Tensor:
        query = self.self_query(x) + self.self_query_position(position)
        key = self.self_key(x) + self.self_key_position(position)
        q, k, v = (split_heads(part, self.heads) for part in (query, key, self.self_value(x)))
        return self.self_out(merge_heads(attend(q, k, v, x.new_zeros(()), self.dropout)))  # type: ignore[no-any-return]

    def _to_memory(
        self, x: Tensor, query_position: Tensor, anchor: Tensor, memory: Tensor, position: Tensor, bias: Tensor
    ) -> Tensor:
        query, key, place = self.query(x), self.key(memory), self.key_position(position)
        if self.query_position is not None:
            query, key = query + self.query_position(query_position), key + place
        query, key, anchor, place = (
            split_heads(part, self.heads) for part in (query, key, self.query_anchor(anchor), place)
        )
        q, k = torch.cat([query, anchor], 3), torch.cat([key, place], 3)
        v = split_heads(self.value(memory), self.heads)
        return self.out(merge_heads(attend(q, k, v, bias, self.dropout)))  # type: ignore[no-any-return]


class ConditionalDecoder(nn.Module):
    """Layers, each followed by a refinement of the anchors.

    Args:
        layers: the first of them made with `first`.
        dim: D.
        anchor_dim: width of the sinusoids of a centre and of a width; twice it is at least D.
        predicted: whether the first anchors are predicted from the queries' contents (EaTR) and not learned
            (QD-DETR); contents then scale the anchors' sinusoids before the first layer too.
        refine_last: whether anchors are refined after the last layer too, where nothing needs them.
    """

    def __init__(
        self, layers: Sequence[nn.Module], dim: int, anchor_dim: int, *, predicted: bool, refine_last: bool
    ) -> None:
        super().__init__()
        self.anchor_dim, self.predicted, self.refine_last = anchor_dim, predicted, refine_last
        self.layers = nn.ModuleList(layers)
        self.position = mlp(2 * anchor_dim, dim, dim)
        self.scale = mlp(dim, dim, dim)
        self.width = mlp(dim, dim, 1)

    def forward(
        self,
        x: Tensor,
        anchors: Tensor,
        refine: nn.Module,
        memory: Tensor,
        position: Tensor,
        bias: Tensor,
        context: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Queries `[B, Q, D]` with anchors `[B, Q, 2]`, fractions -> states after and anchors before each layer.

        `refine` takes states to what is added to the anchors' logits. Results are `[N, B, Q, D]` and
        `[N, B, Q, 2]`. In training predicted and refined anchors are constants to the layer that uses them.
        """
        states, given = [], []
        for index, layer in enumerate(self.layers):
            given.append(anchors)
            informed = index > 0 or self.predicted
            used = anchors.detach() if self.training and informed else anchors
            embedded = embed_anchors(used, self.anchor_dim)
            anchor = embedded[..., : x.shape[2]]
            if informed:
                anchor = anchor * self.scale(x)
            anchor = anchor * (torch.sigmoid(self.width(x)) / used[..., 1:])
            x = layer(x, self.position(embedded), anchor, memory, position, bias, context)
            states.append(x)
            if self.refine_last or index + 1 < len(self.layers):
                anchors = torch.sigmoid(refine(x) + inverse_sigmoid(used))
        return torch.stack(states), torch.stack(given)

"""The encoder that EMTM's student, its isomorphic teacher and the aggregation unit share.

SeqPAN's encoder: projections of video and query with their own LayerNorms, then one position
table and one convolution block used for both.
"""

from __future__ import annotations

from torch import Tensor, nn

from emtm.layers.dropout import Dropout
from emtm.layers.encoder import NORM_EPS, ConvBlock, PositionEmbedding, linear
from emtm.layers.span.embedding import CHAR_DIM_OUT, QueryEmbedding


class SharedEncoder(nn.Module):
    """Encodes video `[B, L, V]` and query ids to `[B, L, D]` and `[B, T, D]`, independently."""

    def __init__(
        self,
        vectors: Tensor,
        num_chars: int,
        *,
        feature_dim: int,
        char_dim: int,
        dim: int,
        max_positions: int,
        dropout: float = 0.0,
        official: bool = False,
    ) -> None:
        super().__init__()
        self.embedding = QueryEmbedding(vectors, num_chars, char_dim, dropout=dropout, official=official)
        self.query_projection = nn.Sequential(linear(vectors.shape[1] + CHAR_DIM_OUT, dim), nn.LayerNorm(dim, NORM_EPS))
        self.video_projection = nn.Sequential(Dropout(dropout), linear(feature_dim, dim), nn.LayerNorm(dim, NORM_EPS))
        self.positions = PositionEmbedding(max_positions, dim)
        self.conv_block = ConvBlock(dim, dropout=dropout, official=official)

    def encode_video(self, video: Tensor, mask: Tensor) -> Tensor:
        """`[B, L, V]`, `[B, L]` -> `[B, L, D]`."""
        return self.conv_block(self.embed_clips(video), mask)  # type: ignore[no-any-return]

    def embed_clips(self, video: Tensor, first: int = 0) -> Tensor:
        """Clips `[B, L, V]` from clip `first` on -> `[B, L, D]`, each by itself."""
        return self.positions(self.video_projection(video), first)  # type: ignore[no-any-return]

    def encode_query(self, word_ids: Tensor, char_ids: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, T]`, `[B, T, C]` -> `[B, T, D]` and its mask `[B, T]`."""
        mask = word_ids > 0
        embedded = self.query_projection(self.embedding(word_ids, char_ids))
        return self.conv_block(self.positions(embedded), mask), mask

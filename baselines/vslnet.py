"""VSLNet (Zhang et al., ACL 2020): span-based localisation with query-guided highlighting.

Follows the PyTorch code of 26hzhang/VSLNet @3793c62 (`VSLNet_t7`). Both predictors of that code
are here: `rnn` (two LSTMs, its default) and `transformer` (the feature encoder applied twice).

Known defects of that code and what is done here:

* Convolutions run over padding and the character maximum over a batch's longest word: padding a
  ten-word query to eighteen moves start logits by up to 0.8. Masked here unless
  `config.official` is set.
* The context-query attention multiplies in the dearer order; kept under `config.official`.
* Its README notes that the PyTorch code scores below the TensorFlow one, for unknown reasons.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from emtm.contract import Losses, ModelConfig, ModelInfo, Preset, Recipe
from emtm.data.batch import Batch
from emtm.data.labels import highlight_labels
from emtm.data.text import Lexicon
from emtm.layers.dropout import Dropout
from emtm.layers.encoder import NORM_EPS, FeatureEncoder, linear
from emtm.layers.masking import key_bias, mask_logits
from emtm.layers.span.decoding import SpanGroundingModel
from emtm.layers.span.embedding import CHAR_DIM_OUT, QueryEmbedding
from emtm.layers.span.fusion import ContextQueryAttention, ContextQueryConcat
from emtm.layers.span.head import BoundaryLogits
from emtm.layers.span.losses import highlight_loss, span_loss

Encoded = tuple[Tensor, Tensor]
_PUBLISHED = Recipe(optimizer="adamw", schedule="step-linear")
_COMPACT = Recipe(optimizer="adamw", schedule="step-linear", learning_rate=1e-3, epochs=14, patience=6)
_WIDE = replace(_COMPACT, epochs=20)


@dataclass(frozen=True, kw_only=True)
class VSLNetConfig(ModelConfig):
    """Sizes of VSLNet."""

    max_clips: int = 128
    max_words: int = 30
    dim: int = 128
    heads: int = 8
    char_dim: int = 50
    dropout: float = field(default=0.2, metadata={"below": 1.0})
    predictor: Literal["rnn", "transformer"] = "rnn"
    highlight_weight: float = 5.0
    """Weight of the highlight loss."""


@dataclass(frozen=True, slots=True)
class VSLNetOutput:
    """Span logits (unmasked) and highlight logits (masked), `[B, L]` each, with the clip mask."""

    start_logits: Tensor
    end_logits: Tensor
    highlight_logits: Tensor
    video_mask: Tensor


class _Predictor(nn.Module):
    """Start logits from encoded features, end logits from the encoding of the start's encoding."""

    def __init__(self, config: VSLNetConfig) -> None:
        super().__init__()
        dim = config.dim
        if config.predictor == "rnn":
            self.start_encoder = nn.LSTM(dim, dim, batch_first=True)
            self.end_encoder = nn.LSTM(dim, dim, batch_first=True)
        else:
            self.encoder = FeatureEncoder(
                dim, config.heads, config.max_clips, dropout=config.dropout, official=config.official
            )
            self.start_norm, self.end_norm = nn.LayerNorm(dim, NORM_EPS), nn.LayerNorm(dim, NORM_EPS)
        self.start_logits, self.end_logits = BoundaryLogits(dim), BoundaryLogits(dim)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, L, D]`, `[B, L]` -> start and end logits `[B, L]`."""
        if hasattr(self, "encoder"):
            bias = key_bias(mask)
            started = self.encoder(x, mask, bias)
            ended = self.end_norm(self.encoder(started, mask, bias))
            started = self.start_norm(started)
        else:
            # Padding trails the clips, so a forward LSTM's valid states never see it.
            started = self.start_encoder(x)[0] * mask.unsqueeze(2)
            ended = self.end_encoder(started)[0]
        start = self.start_logits(torch.cat([started, x], 2)).squeeze(2)
        return start, self.end_logits(torch.cat([ended, x], 2)).squeeze(2)


class VSLNet(SpanGroundingModel[Encoded, Encoded, VSLNetOutput]):
    """Shared feature encoder, context-query attention, highlighting, span predictor."""

    name: ClassVar[str] = "vslnet"
    info: ClassVar[ModelInfo] = ModelInfo(
        title="VSLNet",
        role="baseline",
        paper="Zhang et al., ACL 2020",
        reference_code="26hzhang/VSLNet @3793c62",
        reference_licence="MIT",
    )
    config: VSLNetConfig
    config_class: ClassVar[type[ModelConfig]] = VSLNetConfig
    presets: ClassVar[dict[str, Preset]] = {
        "charades-sta": Preset(VSLNetConfig(), _PUBLISHED),
        "activitynet-captions": Preset(VSLNetConfig(char_dim=100), _PUBLISHED),
        "tacos": Preset(VSLNetConfig(), _PUBLISHED),
        "compact": Preset(VSLNetConfig(max_clips=64, dim=32, heads=4, char_dim=16, dropout=0.1), _COMPACT),
        "wide": Preset(VSLNetConfig(max_clips=64, dim=96, heads=4, char_dim=16, dropout=0.1), _WIDE),
    }
    stages: ClassVar[dict[str, str]] = {
        "embedding": "text_embed",
        "video_projection": "video_proj",
        "highlight": "localise",
        "predictor": "localise",
    }

    def __init__(self, config: VSLNetConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        dim, dropout, official = config.dim, config.dropout, config.official
        vectors = lexicon.vectors
        self.embedding = QueryEmbedding(vectors, lexicon.num_chars, config.char_dim, dropout=dropout, official=official)
        self.query_projection = linear(vectors.shape[1] + CHAR_DIM_OUT, dim)
        self.video_projection = nn.Sequential(Dropout(dropout), linear(config.feature_dim, dim))
        positions = max(config.max_clips, config.max_words)
        self.encoder = FeatureEncoder(dim, config.heads, positions, dropout=dropout, official=official)
        self.attention = ContextQueryAttention(dim, bias=True, dropout=dropout, official=official)
        self.concat = ContextQueryConcat(dim)
        self.highlight = linear(dim, 1)
        self.predictor = _Predictor(config)

    def encode_video(self, video: Tensor, video_mask: Tensor) -> Encoded:
        """`[B, L, V]`, `[B, L]` -> `[B, L, D]` and the mask."""
        projected = self.video_projection(video)
        return self.encoder(projected, video_mask, key_bias(video_mask)), video_mask

    def encode_query(self, word_ids: Tensor, char_ids: Tensor) -> Encoded:
        """`[B, T]`, `[B, T, C]` -> `[B, T, D]` and its mask."""
        mask = word_ids > 0
        projected = self.query_projection(self.embedding(word_ids, char_ids))
        return self.encoder(projected, mask, key_bias(mask)), mask

    def ground(self, video: Encoded, query: Encoded) -> VSLNetOutput:
        """Span and highlight logits of every pair of video and query."""
        clips, mask = video
        fused = self.concat(self.attention(clips, query[0], mask, query[1]), *query)
        highlight = mask_logits(self.highlight(fused).squeeze(2), mask)
        start, end = self.predictor(fused * torch.sigmoid(highlight).unsqueeze(2), mask)
        return VSLNetOutput(start, end, highlight, mask)

    def loss(self, output: VSLNetOutput, batch: Batch) -> Losses:
        """Cross-entropy of start and end clip plus `highlight_weight` times the highlight loss."""
        truth = batch.truth()
        start, end, mask = truth.start_index, truth.end_index, batch.video_mask
        spans = span_loss(output.start_logits, output.end_logits, start, end, mask)
        labels = highlight_labels(start, end, batch.num_clips, batch.video.shape[1])
        highlight = highlight_loss(output.highlight_logits, labels, mask)
        total = spans + self.config.highlight_weight * highlight
        return Losses(total, {"span": spans, "highlight": highlight})

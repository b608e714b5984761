"""What EMTM's student and SeqPAN have in common: inputs, loss, decoding."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from emtm.contract import Losses, ModelConfig
from emtm.data.batch import Batch
from emtm.data.labels import match_labels, soft_span_labels
from emtm.data.text import Lexicon
from emtm.layers.span.decoding import SpanGroundingModel
from emtm.layers.span.head import SpanHead, SpanOutput
from emtm.layers.span.losses import match_loss, orthogonality, span_loss
from emtm.layers.span.shared_encoder import SharedEncoder

EncodedVideo = tuple[Tensor, Tensor]
EncodedQuery = tuple[Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class SpanModelConfig(ModelConfig):
    """Sizes of the SeqPAN family."""

    dim: int = 128
    heads: int = 8
    char_dim: int = 100
    dropout: float = field(default=0.2, metadata={"below": 1.0})
    match_weight: float = 1.0
    """Weight of the match loss."""
    match_extension: int = field(default=1, metadata={"minimum": 0})
    """Clips by which the start and end classes reach to either side."""


class SpanModel(SpanGroundingModel[EncodedVideo, EncodedQuery, SpanOutput]):
    """A shared encoder, a head of span logits, and the losses of SeqPAN."""

    config: SpanModelConfig
    config_class: ClassVar[type[ModelConfig]] = SpanModelConfig
    stages: ClassVar[dict[str, str]] = {
        "encoder.embedding": "text_embed",
        "encoder.video_projection": "video_proj",
        "head.match": "localise",
        "head.predictor": "localise",
    }

    def __init__(self, config: SpanModelConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        self.encoder = SharedEncoder(
            lexicon.vectors,
            lexicon.num_chars,
            feature_dim=config.feature_dim,
            char_dim=config.char_dim,
            dim=config.dim,
            max_positions=max(config.max_clips, config.max_words),
            dropout=config.dropout,
            official=config.official,
        )
        self.head = SpanHead(
            config.dim, config.heads, config.max_clips, dropout=config.dropout, official=config.official
        )

    def encode_video(self, video: Tensor, video_mask: Tensor) -> EncodedVideo:
        """`[B, L, V]`, `[B, L]` -> `[B, L, D]` and the mask."""
        return self.encoder.encode_video(video, video_mask), video_mask

    def encode_query(self, word_ids: Tensor, char_ids: Tensor) -> EncodedQuery:
        """`[B, T]`, `[B, T, C]` -> `[B, T, D]` and its mask."""
        return self.encoder.encode_query(word_ids, char_ids)

    def ground(self, video: EncodedVideo, query: EncodedQuery) -> SpanOutput:
        """Span logits of every pair of video and query."""
        return self.head(video[0], query[0], video[1], query[1])  # type: ignore[no-any-return]

    def loss(self, output: SpanOutput, batch: Batch) -> Losses:
        """Soft-target span loss plus `match_weight` times (match loss + orthogonality)."""
        truth, classes = span_targets(batch, self.config.match_extension)
        weight = batch.truth().weight
        return hard_losses(output, truth, classes, self.head.match.labels, self.config.match_weight, weight)


def span_targets(batch: Batch, match_extension: int) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Start and end distributions `[B, L]` and clip classes `[B, L]`; ValueError without targets."""
    targets = batch.truth()
    clips, length = batch.num_clips, batch.video.shape[1]
    start, end = targets.start_index, targets.end_index
    truth = soft_span_labels(start, clips, length), soft_span_labels(end, clips, length)
    return truth, match_labels(start, end, clips, length, match_extension)


def hard_losses(
    output: SpanOutput,
    truth: tuple[Tensor, Tensor],
    classes: Tensor,
    embeddings: Tensor,
    match_weight: float,
    weight: Tensor | None = None,
) -> Losses:
    """Losses of one span head against `span_targets`; `embeddings` are its label embeddings.

    `weight` `[B]` is that of each sample's moment, 1 where it is None.
    """
    span = span_loss(output.start_logits, output.end_logits, *truth, output.video_mask, weight)
    match = match_loss(output.match_logits, classes, output.video_mask, weight) + orthogonality(embeddings)
    return Losses(span + match_weight * match, {"span": span, "match": match})

"""What models that predict a set of spans have in common: sizes, losses, decoding, unification (the DETR family)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.contract import GroundingModel, Losses, ModelConfig, VideoT
from emtm.data.batch import Batch
from emtm.data.distributions import from_spans
from emtm.data.text import Lexicon
from emtm.layers.detr.set_prediction import (
    FOREGROUND,
    GIOU_WEIGHT,
    LABEL_WEIGHT,
    SPAN_WEIGHT,
    assign,
    inside_moment,
    label_loss,
    span_losses,
    to_boundaries,
    to_centres,
)
from emtm.layers.detr.transformer import clip_places, input_projection
from emtm.layers.nms import ranked_moments
from emtm.layers.sentence import FrozenWords


@dataclass(frozen=True, kw_only=True)
class DETRConfig(ModelConfig):
    """Sizes of a DETR."""

    feature_dim: int = 2816
    word_dim: int = 512
    max_clips: int = 75
    max_words: int = 32
    dim: int = 256
    heads: int = 8
    feed_forward: int = 1024
    input_layers: int = 2
    encoder_layers: int = 2
    decoder_layers: int = 2
    num_queries: int = 10
    dropout: float = field(default=0.1, metadata={"below": 1.0})
    input_dropout: float = field(default=0.5, metadata={"below": 1.0})
    saliency_weight: float = 4.0
    """Weight of the saliency loss."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dim % 4:
            raise ValueError(f"dim is a multiple of 4, not {self.dim}")


@dataclass(frozen=True, slots=True)
class DETROutput:
    """What N decoder layers predict; the last one's counts, and is alone at inference."""

    logits: Tensor
    """Foreground and background, `[N, B, Q, 2]`."""
    spans: Tensor
    """Centre and width as fractions of the video, `[N, B, Q, 2]`."""
    video_mask: Tensor
    """Bool `[B, L]`."""
    saliency: Tensor | None
    """Score of each clip, `[B, L]`; in training alone."""


Encoded = tuple[Tensor, Tensor]
"""Features `[B, L, D]` and their mask."""
DETRT = TypeVar("DETRT", bound=DETROutput)


class DETRModel(GroundingModel[VideoT, Encoded, DETRT]):
    """A model whose prediction is a set of scored spans.

    It appends each clip's place in the video to the features, scaled to length 1, unless
    `resampling` is `lighthouse`, which does both: `feature_dim` then counts the two columns.
    What exists in training alone is in `branch`; under `config.official` it runs at inference too.
    """

    config: DETRConfig
    config_class: ClassVar[type[ModelConfig]] = DETRConfig
    training_only: ClassVar[tuple[str, ...]] = ("branch",)

    def __init__(self, config: DETRConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        dim = config.dim
        self.placed = config.resampling == "lighthouse"
        self.words = FrozenWords(lexicon.vectors)
        width = config.feature_dim if self.placed else config.feature_dim + 2
        self.video_projection = input_projection(width, dim, config.input_layers, config.input_dropout)
        self.query_projection = input_projection(config.word_dim, dim, config.input_layers, config.input_dropout)
        self.branch: nn.ModuleDict | None = None
        self.text_positions: nn.ModuleDict | None = None
        if config.official:
            # Never used: published configurations give words no positions.
            table = nn.Embedding(config.max_words, dim)
            self.text_positions = nn.ModuleDict({"table": table, "norm": nn.LayerNorm(dim)})
            self.branch = self.training_branch()

    @abstractmethod
    def training_branch(self) -> nn.ModuleDict:
        """Modules that only losses need."""

    @abstractmethod
    def branch_losses(self, output: DETRT, inside: Tensor) -> Mapping[str, tuple[float, Tensor]]:
        """Weight and value of every loss of the branch; `inside` `[B, L]` marks the clips of the moment."""

    def prepare_training(self, num_teachers: int) -> None:
        """Attach the branch; without it there are no saliency losses."""
        super().prepare_training(num_teachers)
        if self.branch is None:
            self.branch = self.training_branch().to(self.words.vectors.device)

    def running_branch(self) -> nn.ModuleDict | None:
        """The branch if it runs now."""
        return self.branch if self.training or self.config.official else None

    def every_layer(self) -> bool:
        """Whether each decoder layer predicts, as losses need it, or the last alone."""
        return self.training or self.config.official

    def clip_inputs(self, video: Tensor, mask: Tensor) -> Tensor:
        """What the projection takes, from features `[B, L, V]`."""
        return video if self.placed else torch.cat([F.normalize(video, dim=2), clip_places(mask)], 2)

    def encode_query(self, word_ids: Tensor, char_ids: Tensor) -> Encoded:
        """`[B, T]` -> `[B, T, D]` and its mask; characters are not used."""
        return self.query_projection(self.words(word_ids)), word_ids > 0

    def loss(self, output: DETRT, batch: Batch) -> Losses:
        """Losses of every decoder layer's set, each with an assignment of its own, and the branch's."""
        inside = inside_moment(batch)
        moment = (batch.truth().moment_s / batch.duration_s[:, None]).clamp(0.0, 1.0)
        targets = to_centres(moment).unsqueeze(1)
        present = torch.ones(len(targets), 1, dtype=torch.bool, device=targets.device)
        total = torch.zeros((), device=targets.device)
        terms: dict[str, Tensor] = {}
        for logits, spans in zip(output.logits, output.spans, strict=True):
            matched = assign(spans, targets, present, logits)
            span, giou = span_losses(spans, targets, matched)
            terms = {"span": span, "giou": giou, "label": label_loss(logits, matched)}
            total = total + SPAN_WEIGHT * span + GIOU_WEIGHT * giou + LABEL_WEIGHT * terms["label"]
        for name, (weight, value) in self.branch_losses(output, inside).items():
            total, terms[name] = total + weight * value, value
        return Losses(total, terms)

    def scored_spans(self, output: DETRT) -> tuple[Tensor, Tensor]:
        """Starts and ends in 0..1, `[B, Q, 2]`, and probabilities of the foreground, `[B, Q]`."""
        spans = to_boundaries(output.spans[-1]).clamp(0.0, 1.0)
        return spans, output.logits[-1].softmax(2)[..., FOREGROUND]

    def moments(self, output: DETRT, duration_s: Tensor, top_k: int = 1) -> Tensor:
        """Spans of the highest foreground probability, `[B, top_k, 3]`; no suppression, as published.

        With fewer queries than `top_k` the last is repeated. `official` rounds boundaries to whole clips.
        """
        spans, scores = self.scored_spans(output)
        if self.config.official:
            clips = output.video_mask.sum(1).view(-1, 1, 1)
            spans = torch.round(spans * clips) / clips
        return ranked_moments(spans * duration_s.view(-1, 1, 1), scores, top_k)

    def span_distribution(self, output: DETRT) -> Tensor:
        """Gaussians around the boundaries of all spans, by foreground probability: `[B, 2, L]`."""
        mask = output.video_mask
        return from_spans(*self.scored_spans(output), mask.sum(1), mask.shape[1])

"""What models that score a moment map have in common: loss, decoding, unification (2D-TAN, CCA)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from emtm.contract import GroundingModel, Losses, ModelConfig, QueryT, VideoT
from emtm.data.batch import Batch
from emtm.data.distributions import from_moment_map, resample
from emtm.data.text import Lexicon
from emtm.layers.map.moment_map import MomentGrid, diagonals, map_loss, moment_iou
from emtm.layers.nms import best_moments


@dataclass(frozen=True, kw_only=True)
class MapModelConfig(ModelConfig):
    """Sizes of the map and how it is trained and decoded.

    `max_clips` feature rows are sampled from a video of any length and pooled to `map_clips`.
    """

    map_clips: int
    """Clips N of the map."""
    pooling_counts: tuple[int, ...] = field(metadata={"minimum": 0})
    """Diagonals of the map besides the main one: how many 1, then 2, then 4 clips apart."""
    dim: int = 512
    min_iou: float = field(default=0.5, metadata={"below": 1.0})
    """IoU with the annotation up to which a cell's target is 0."""
    max_iou: float = 1.0
    """IoU from which it is 1."""
    nms_iou: float = 0.5
    """Overlap above which a lower-scored moment is dropped, when more than one is asked for."""
    nms_strict: bool = True
    """Whether a moment with exactly that overlap is kept, as published."""

    def __post_init__(self) -> None:
        super().__post_init__()
        diagonals(self.map_clips, self.pooling_counts, True)
        if self.min_iou >= self.max_iou:
            raise ValueError(f"min_iou {self.min_iou} is not below max_iou {self.max_iou}")
        if self.max_clips < self.map_clips:
            raise ValueError(f"max_clips {self.max_clips} is less than map_clips {self.map_clips}")


@dataclass(frozen=True, slots=True)
class MapOutput:
    """Scores of the candidate moments."""

    logits: Tensor
    """`[B, C]`, in the order of the grid's cells."""
    video_mask: Tensor
    """Bool `[B, L]`."""


class MapModel(GroundingModel[VideoT, QueryT, MapOutput]):
    """A model whose prediction is a score for every cell of a moment map."""

    config: MapModelConfig
    config_class: ClassVar[type[ModelConfig]] = MapModelConfig

    def __init__(self, config: MapModelConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        self.grid = MomentGrid(config.map_clips, config.pooling_counts)

    def probabilities(self, output: MapOutput) -> Tensor:
        """Sigmoid of the logits, `[B, C]`."""
        return torch.sigmoid(output.logits)

    def loss(self, output: MapOutput, batch: Batch) -> Losses:
        """Binary cross-entropy with the scaled IoU of every candidate and the annotated moment."""
        config, truth = self.config, batch.truth()
        iou = moment_iou(self.grid.cells, config.map_clips, truth.moment_s, batch.duration_s)
        loss = map_loss(output.logits, iou, config.min_iou, config.max_iou)
        return Losses(loss, {"map": loss})

    def moments(self, output: MapOutput, duration_s: Tensor, top_k: int = 1) -> Tensor:
        """Best cells `[B, top_k, 3]` after non-maximum suppression.

        Of cells with equal scores the first of the map is kept; with `official` the last, which is
        what sorting by rising score and reading backwards gives.
        """
        config = self.config
        scores = self.probabilities(output)
        spans = self.grid.spans() * duration_s.view(-1, 1, 1)
        if config.official:
            scores, spans = scores.flip(1), spans.flip(1)
        return best_moments(spans, scores, config.nms_iou, top_k, strict=config.nms_strict)

    def span_distribution(self, output: MapOutput) -> Tensor:
        """Score of the best moment that starts, and that ends, at each clip: `[B, 2, L]`, normalised."""
        mask = output.video_mask
        marginals = from_moment_map(self.grid.spread(self.probabilities(output)))
        return resample(marginals, self.config.map_clips, mask.sum(1), mask.shape[1])

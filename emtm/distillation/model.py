"""EMTM (arXiv 2308.03725): the student, and the branches that exist while it learns.

At inference this is `EMTMStudent`, to the parameter. Training attaches two branches that read the
same encoded video and query, so that the shallow layers learn from all three:

* the isomorphic teacher, SeqPAN behind the student's own encoder (the *shared encoder*);
* the knowledge aggregation unit, which weighs the heterogeneous teachers' distributions.

Follows renjie-liang/EMET @fc99f61. Its distillation is numerically nil and its loss a vector of
length B whose sum multiplies the hard terms by the batch size; `objective="official"` keeps both,
`objective="sound"` is the method as the paper describes it. `official` concerns the layers, as in
the student.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from emtm.contract import Losses, ModelConfig, ModelInfo, Preset, Recipe
from emtm.data.batch import Batch
from emtm.data.text import Lexicon
from emtm.distillation.aggregation import KnowledgeAggregation, aggregate, geometric, signs, uniform_weights
from emtm.distillation.losses import (
    aggregation_loss,
    distillation_loss,
    hidden_alignment,
    official_distillation,
    weight_prior,
)
from emtm.layers.span.dual_attention import DualAttentionStack
from emtm.layers.span.head import SpanHead, SpanOutput
from emtm.layers.span.losses import span_loss
from emtm.layers.span.model import EncodedQuery, EncodedVideo, SpanModel, SpanModelConfig, hard_losses, span_targets


@dataclass(frozen=True, kw_only=True)
class EMTMConfig(SpanModelConfig):
    """Sizes of the student, and how it is taught."""

    objective: Literal["sound", "official"] = "sound"
    """Losses as the paper describes them, or the released code's."""
    soft_weight: float = field(default=0.1, metadata={"minimum": 0.0})
    """Weight of the distillation loss; 0 turns it off."""
    soft_ramp: float = field(default=0.0, metadata={"minimum": 0.0})
    """Share of training in which the sound distillation's weight rises from 0 to `soft_weight`.

    Soft labels from the start keep some students for epochs on the plateau before attention finds the words.
    """
    temperature: float = 1.0
    """Temperature of the distillation."""
    aggregation: Literal["unit", "uniform", "geometric", "informed"] = "unit"
    """Teachers weighed by the aggregation unit, or equally; `geometric` takes the geometric mean instead of the sum.

    `informed` is a unit that also reads the labels, weighs a geometric mean, and learns only from annotated queries
    that no teacher was trained on.
    """
    aggregation_prior: float = field(default=0.0, metadata={"minimum": 0.0})
    """Weight of the divergence of the unit's weights from equal ones; 0, as published, lets it pick one teacher."""
    isomorphic_weight: float = field(default=1.0, metadata={"minimum": 0.0})
    """Weight of the isomorphic teacher's hard loss, which reaches the shared encoder; 0 leaves it out."""
    hidden_weight: float = field(default=0.0, metadata={"minimum": 0.0})
    """Weight of the alignment of fused features with the isomorphic teacher's; 0 turns it off."""


@dataclass(frozen=True, slots=True)
class EMTMOutput(SpanOutput):
    """What the student predicts and, in training, what the branches say."""

    isomorphic: SpanOutput | None = None
    teacher_weights: Tensor | None = None
    """Of the aggregation unit, `[B, K, 2]`."""
    pooled: Tensor | None = None
    """What an informed unit makes of video and query, `[B, 16]`, before it reads the labels."""


class IsomorphicTeacher(nn.Module):
    """SeqPAN without its encoder: dual attention and a span head of its own."""

    def __init__(self, config: SpanModelConfig) -> None:
        super().__init__()
        sizes = config.dim, config.heads
        self.dual_attention = DualAttentionStack(*sizes, dropout=config.dropout, official=config.official)
        self.head = SpanHead(*sizes, config.max_clips, dropout=config.dropout, official=config.official)

    def forward(self, video: Tensor, query: Tensor, video_mask: Tensor, query_mask: Tensor) -> SpanOutput:
        """Encoded `[B, L, D]`, `[B, T, D]` and their masks -> span logits."""
        attended = self.dual_attention(video, query, video_mask, query_mask)
        return self.head(*attended, video_mask, query_mask)  # type: ignore[no-any-return]


class EMTM(SpanModel):
    """The student with, once `prepare_training` was called, its training-only branches."""

    config: EMTMConfig
    config_class: ClassVar[type[ModelConfig]] = EMTMConfig
    name: ClassVar[str] = "emtm"
    taught: ClassVar[bool] = True
    info: ClassVar[ModelInfo] = ModelInfo(
        title="EMTM",
        role="student",
        paper="arXiv 2308.03725",
        reference_code="renjie-liang/EMET @fc99f61",
        reference_licence="none stated",
    )
    presets: ClassVar[dict[str, Preset]] = {
        "charades-sta": Preset(
            EMTMConfig(max_clips=64, max_words=20, dropout=0.4, match_extension=2), Recipe(warmup_epochs=2)
        ),
        "activitynet-captions": Preset(
            EMTMConfig(max_clips=100, max_words=30, match_extension=2, temperature=3.0), Recipe(warmup_epochs=2)
        ),
        "tacos": Preset(
            EMTMConfig(max_clips=256, max_words=30, char_dim=50, match_extension=2, temperature=3.0),
            Recipe(warmup_epochs=2),
        ),
        "compact": Preset(
            EMTMConfig(
                max_clips=64,
                max_words=30,
                dim=32,
                heads=4,
                char_dim=16,
                dropout=0.1,
                soft_weight=1.0,
                soft_ramp=0.4,
                aggregation_prior=0.5,
                temperature=3.0,
                isomorphic_weight=0.2,
            ),
            Recipe(learning_rate=1e-3, warmup_epochs=1, epochs=14, patience=6),
        ),
    }

    def __init__(self, config: EMTMConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        self.isomorphic: IsomorphicTeacher | None = None
        self.aggregation: KnowledgeAggregation | None = None
        self._soft_share = 1.0

    def prepare_training(self, num_teachers: int) -> None:
        """Attach the branches that the configuration asks for."""
        config = self.config
        if config.isomorphic_weight:
            self.isomorphic = IsomorphicTeacher(config)
        if num_teachers and config.soft_weight and config.aggregation in ("unit", "informed"):
            self.aggregation = KnowledgeAggregation(
                *(config.dim, num_teachers, config.max_clips),
                official=config.official,
                informed=config.aggregation == "informed",
            )

    @property
    def needs_held_out(self) -> bool:
        """Whether annotated queries are needed that no teacher was trained on."""
        return self.config.aggregation == "informed" and self.config.soft_weight > 0

    def combined(self, labels: Tensor) -> Tensor:
        """One label `[B, 2, L]` of the teachers' `[B, K, 2, L]`, weighed equally."""
        return self.pool(labels, uniform_weights(labels))

    def pool(self, labels: Tensor, weights: Tensor) -> Tensor:
        """One label `[B, 2, L]` of the teachers' `[B, K, 2, L]`, weighed by `[B, K, 2]`."""
        rule = geometric if self.config.aggregation in ("geometric", "informed") else aggregate
        return rule(labels, weights)

    def weights(self, video: EncodedVideo, query: EncodedQuery, labels: Tensor) -> Tensor:
        """How far each teacher of `labels` `[B, K, 2, L]` is trusted, `[B, K, 2]`."""
        unit = self.aggregation
        if unit is None:
            return uniform_weights(labels)
        return self._weigh(unit, unit.pooled(video[0], query[0], video[1], query[1]), labels)

    def _weigh(self, unit: KnowledgeAggregation, pooled: Tensor, labels: Tensor) -> Tensor:
        informed = self.config.aggregation == "informed"
        return unit.weigh(torch.cat([pooled, signs(labels)], 1) if informed else pooled)

    def on_progress(self, fraction: float) -> None:
        """Raise the weight of the distillation as training goes on."""
        self._soft_share = min(1.0, fraction / self.config.soft_ramp) if self.config.soft_ramp else 1.0

    def inference_state(self) -> dict[str, Tensor]:
        """State of the student alone."""
        branches = ("isomorphic.", "aggregation.")
        return {k: v for k, v in self.state_dict().items() if not k.startswith(branches)}

    def ground(self, video: EncodedVideo, query: EncodedQuery) -> EMTMOutput:
        """Span logits of every pair of video and query; the branches run in training mode alone."""
        inputs = video[0], query[0], video[1], query[1]
        student: SpanOutput = self.head(*inputs)
        isomorphic = self.isomorphic(*inputs) if self.training and self.isomorphic else None
        pooled = self.aggregation.pooled(*inputs) if self.training and self.aggregation else None
        weights = None
        if self.aggregation and pooled is not None and self.config.aggregation == "unit":
            weights = self.aggregation.weigh(pooled)
        return EMTMOutput(
            student.start_logits,
            student.end_logits,
            student.video_mask,
            student.match_logits,
            student.fused,
            isomorphic,
            weights,
            pooled,
        )

    def loss(self, output: SpanOutput, batch: Batch) -> Losses:
        """Hard losses of student and isomorphic teacher, aggregation loss and distillation loss."""
        assert isinstance(output, EMTMOutput)
        truth, classes = span_targets(batch, self.config.match_extension)
        targets = batch.truth()
        soft = targets.soft_labels if self.config.soft_weight else None
        learnt = targets.annotated
        if self.aggregation is not None and output.pooled is not None and self.config.aggregation == "informed":
            assert soft is not None
            output = replace(output, teacher_weights=self._weigh(self.aggregation, output.pooled, soft))
            learnt = torch.zeros_like(targets.start_index) > 0 if targets.held_out is None else targets.held_out
        return self.objective(output, truth, classes, soft, learnt, targets.weight)

    def objective(
        self,
        output: EMTMOutput,
        truth: tuple[Tensor, Tensor],
        classes: Tensor,
        teachers: Tensor | None,
        annotated: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> Losses:
        """Every term of the loss, from its targets.

        Args:
            output: of the model in training mode.
            truth: start and end targets, distributions `[B, L]` each.
            classes: clip classes `[B, L]`.
            teachers: distributions of the heterogeneous teachers, `[B, K, 2, L]`, or None for none.
            annotated: whose targets the aggregation unit may learn from, bool `[B]`; None for all.
            weight: of each sample's hard losses, `[B]`; None for 1. The released losses know none.
        """
        config, mask = self.config, output.video_mask
        terms = {"student": self._hard(output, self.head, truth, classes, weight)}
        if output.isomorphic is not None and self.isomorphic is not None:
            isomorphic = self._hard(output.isomorphic, self.isomorphic.head, truth, classes, weight)
            terms["isomorphic"] = config.isomorphic_weight * isomorphic
            if config.hidden_weight:
                distance = hidden_alignment(output.fused, output.isomorphic.fused, mask)
                terms["hidden"] = config.hidden_weight * distance
        label = None
        if teachers is not None:
            weights = output.teacher_weights
            label = self.pool(teachers, uniform_weights(teachers) if weights is None else weights)
            if config.objective == "official":
                terms["aggregation"] = span_loss(label[:, 0], label[:, 1], *truth, mask)
            elif weights is not None:
                likelihood = sum_boundaries(lambda i: aggregation_loss(label[:, i], truth[i], annotated))
                terms["aggregation"] = likelihood + config.aggregation_prior * weight_prior(weights)
        hard = torch.stack(list(terms.values())).sum()
        logits = output.start_logits, output.end_logits
        if config.objective == "official":
            each = torch.zeros_like(mask[:, 0], dtype=hard.dtype)
            if label is not None:
                each = sum_boundaries(lambda i: official_distillation(logits[i], label[:, i], mask, config.temperature))
            each = config.soft_weight * each
            return Losses(mask.shape[0] * hard + each.sum(), {**terms, "soft": each.mean()})
        if label is None:
            return Losses(hard, terms)
        soft = sum_boundaries(lambda i: distillation_loss(logits[i], label[:, i], mask, config.temperature))
        soft = self._soft_share * config.soft_weight * soft
        return Losses(hard + soft, {**terms, "soft": soft})

    def _hard(
        self,
        output: SpanOutput,
        head: SpanHead,
        truth: tuple[Tensor, Tensor],
        classes: Tensor,
        weight: Tensor | None,
    ) -> Tensor:
        return hard_losses(output, truth, classes, head.match.labels, self.config.match_weight, weight).total


def sum_boundaries(term: Callable[[int], Tensor]) -> Tensor:
    """The term of the start (0) plus that of the end (1)."""
    return term(0) + term(1)

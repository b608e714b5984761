"""EAMAT (Yang and Wu, IJCAI 2022): entity-aware and motion-aware grounding in two stages.

Two branches read the video: attention looks for entities, attention over strided LSTMs for motion.
The query without its verbs finds the foreground in the entity branch; both branches, weighed by it,
meet the query without its nouns, and three more LSTM blocks lead to start, end and inside of the
moment. Follows shuoyang129/EAMAT @09b63ca.

Known defects of that code and what is done here:

* The LSTMs are not packed: their backward halves begin in the padding, and a stride's remainder is
  that of the padded length, so a prediction depends on its batch mates. Each sequence is read alone
  here unless `config.official` is set.
* An entity predictor that nothing calls is built, and the inside predictor runs at inference:
  263,684 weights that no prediction needs. The former does not exist here and the latter exists in
  training alone, except with `config.official`.
* The moment's last clip is left out of the inside labels, so a moment of one clip has none. It is
  labelled here unless `config.official` is set.
* The alignment loss pools padded words with the others; not here unless `config.official` is set.
* The context-query attention multiplies in the dearer order; kept under `config.official`.

What differs besides: that code tags each word in its sentence, and drops words whose tag it does not
know. Here a word's class is that of the word itself (`emtm.data.word_classes`), and all words stay.
Clips are pooled to `max_clips`; that code takes them at the features' own rate, up to 500.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.contract import Losses, ModelConfig, ModelInfo, Preset, Recipe
from emtm.data.batch import Batch
from emtm.data.text import Lexicon
from emtm.data.word_classes import NOUN, OTHER, PADDING, VERB, word_class
from emtm.layers.attention import attend, merge_heads, split_heads
from emtm.layers.dropout import Dropout
from emtm.layers.encoder import NORM_EPS, PositionEmbedding, linear
from emtm.layers.masking import key_bias
from emtm.layers.recurrent import BiLSTM
from emtm.layers.sentence import FrozenWords
from emtm.layers.span.decoding import SpanGroundingModel
from emtm.layers.span.fusion import ContextQueryAttention
from emtm.layers.span.losses import span_loss

_PUBLISHED = Recipe(optimizer="adamw", schedule="step-linear", learning_rate=5e-5)
_COMPACT = Recipe(optimizer="adamw", schedule="step-linear", learning_rate=1.5e-3, epochs=24, patience=8)


@dataclass(frozen=True, kw_only=True)
class EAMATConfig(ModelConfig):
    """Sizes of EAMAT."""

    max_clips: int = 128
    max_words: int = 30
    dim: int = 512
    heads: int = 8
    strides: int = 3
    """LSTMs side by side, of strides 1, 2, ..."""
    early_blocks: int = 1
    """Attention blocks before the foreground is predicted."""
    post_blocks: int = 3
    """LSTM blocks before start and end are predicted."""
    positions: bool = False
    """Learned positions; off in all published configurations."""
    dropout: float = field(default=0.5, metadata={"below": 1.0})
    inside_weight: float = 10.0
    """Weight of the loss of the clips inside the moment."""
    alignment_weight: float = 100.0
    """Weight of the alignment of queries with their moments."""
    foreground_weight: float = 1.0
    """Weight of the first stage's foreground loss."""


@dataclass(frozen=True, slots=True)
class EncodedVideo:
    """Both branches `[B, L, D]` and the clip mask `[B, L]`."""

    entity: Tensor
    motion: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """Words in context, and with those of each branch emphasised, `[B, T, D]`; mask `[B, T]`."""

    words: Tensor
    entity: Tensor
    motion: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True)
class EAMATOutput:
    """Logits of every clip, `[B, L]`, unmasked, and what was fused."""

    start_logits: Tensor
    end_logits: Tensor
    inside_logits: Tensor | None
    """None at inference."""
    foreground_logits: Tensor
    video: EncodedVideo
    query: EncodedQuery

    @property
    def video_mask(self) -> Tensor:
        """Bool `[B, L]`."""
        return self.video.mask


class StridedLSTM(nn.Module):
    """Bidirectional LSTMs, one a stride 1 to `strides`, side by side; a linear layer mixes them.

    The LSTM of stride s reads every s-th position, once from each of the first s. Of a sequence of n
    it reads s * (n // s) positions; at the rest it gives zeros. Published code takes the padded
    length for n and reads the padding with the rest (`official`).
    """

    def __init__(self, dim: int, strides: int, *, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.official = official
        self.norm = nn.LayerNorm(dim, NORM_EPS)
        self.encoders = nn.ModuleList(BiLSTM(dim, dim // 2) for _ in range(strides))
        self.out = linear(strides * dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`[B, L, D]`, mask `[B, L]` with padding at the end -> `[B, L, D]`."""
        x = self.norm(x)
        if self.official:
            mask = torch.ones_like(mask)
        states = [self.dropout(self._read(lstm, x, mask, stride)) for stride, lstm in enumerate(self.encoders, 1)]
        return self.out(torch.cat(states, 2))  # type: ignore[no-any-return]

    @staticmethod
    def _read(lstm: nn.Module, x: Tensor, mask: Tensor, stride: int) -> Tensor:
        length = x.shape[1]
        used = length // stride * stride
        if not used:
            return torch.zeros_like(x)
        whole = mask.sum(1, keepdim=True) // stride * stride
        read = torch.arange(used, device=x.device) < whole
        # The phases of a stride share weights: they go as samples of one batch.
        states = lstm(_phases(x[:, :used], stride), _phases(read, stride))
        states = states.reshape(x.shape[0], stride, -1, x.shape[2]).transpose(1, 2).flatten(1, 2)
        return F.pad(states, (0, 0, 0, length - used))


def _phases(x: Tensor, stride: int) -> Tensor:
    """`[B, L, ...]` -> every `stride`-th position from each of the first, `[B * stride, L / stride, ...]`."""
    return x.reshape(x.shape[0], -1, stride, *x.shape[2:]).transpose(1, 2).flatten(0, 1)


class AttentionBlock(nn.Module):
    """Pre-norm self-attention without output projection, then two layers with GELU, both residual.

    Queries, keys and values are linear, or strided LSTMs where `strides` is not 0.
    """

    def __init__(self, dim: int, heads: int, *, strides: int = 0, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.heads, self.recurrent = heads, strides > 0
        self.query, self.key, self.value = (
            StridedLSTM(dim, strides, dropout=dropout, official=official) if strides else linear(dim, dim)
            for _ in range(3)
        )
        self.norm_1, self.norm_2 = nn.LayerNorm(dim, NORM_EPS), nn.LayerNorm(dim, NORM_EPS)
        self.dropout = Dropout(dropout)
        self.dense = nn.Sequential(linear(dim, dim), nn.GELU(), Dropout(dropout), linear(dim, dim))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`[B, L, D]`, `[B, L]` -> `[B, L, D]`."""
        normed = self.norm_1(x)
        inputs = (normed, mask) if self.recurrent else (normed,)
        q, k, v = (split_heads(layer(*inputs), self.heads) for layer in (self.query, self.key, self.value))
        x = x + self.dropout(merge_heads(attend(q, k, v, key_bias(mask), self.dropout)))
        return x + self.dense(self.norm_2(x))  # type: ignore[no-any-return]


class _Projection(nn.Module):
    """Dropout, linear layer, LayerNorm, and positions where there are any."""

    def __init__(self, dim_in: int, length: int, config: EAMATConfig) -> None:
        super().__init__()
        layers = Dropout(config.dropout), linear(dim_in, config.dim), nn.LayerNorm(config.dim, NORM_EPS)
        self.layers = nn.Sequential(*layers)
        self.positions = PositionEmbedding(length, config.dim) if config.positions else nn.Identity()

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`[B, L, D_in]`, `[B, L]` -> `[B, L, D]`, 0 on padding."""
        return self.positions(self.layers(x)) * mask.unsqueeze(2)  # type: ignore[no-any-return]


class _Prediction(nn.Sequential):
    """Two layers to one logit a position."""

    def __init__(self, config: EAMATConfig, dim_out: int = 1) -> None:
        hidden = config.dim // 2
        super().__init__(linear(config.dim, hidden), nn.GELU(), Dropout(config.dropout), linear(hidden, dim_out))

    def forward(self, x: Tensor) -> Tensor:
        """`[B, L, D]` -> `[B, L]`."""
        return super().forward(x).squeeze(2)  # type: ignore[no-any-return, no-untyped-call]


class EAMAT(SpanGroundingModel[EncodedVideo, EncodedQuery, EAMATOutput]):
    """Entity and motion branch, foreground prediction, LSTM attention, span prediction."""

    name: ClassVar[str] = "eamat"
    unexportable: ClassVar[str] = "its strided LSTMs are traced for one number of words"
    info: ClassVar[ModelInfo] = ModelInfo(
        title="EAMAT",
        role="baseline",
        paper="Yang and Wu, IJCAI 2022",
        reference_code="shuoyang129/EAMAT @09b63ca",
        reference_licence="none",
    )
    config: EAMATConfig
    config_class: ClassVar[type[ModelConfig]] = EAMATConfig
    presets: ClassVar[dict[str, Preset]] = {
        "charades-sta": Preset(EAMATConfig(max_clips=64, early_blocks=3), _PUBLISHED),
        "activitynet-captions": Preset(EAMATConfig(feature_dim=500), _PUBLISHED),
        "tacos": Preset(EAMATConfig(feature_dim=4096), _PUBLISHED),
        "compact": Preset(EAMATConfig(max_clips=64, dim=48, heads=4, post_blocks=1, dropout=0.1), _COMPACT),
    }
    training_only: ClassVar[tuple[str, ...]] = ("inside",)
    stages: ClassVar[dict[str, str]] = {
        "words": "text_embed",
        "video_projection": "video_proj",
        "start": "localise",
        "end": "localise",
        "inside": "localise",
    }
    tags: Tensor

    def __init__(self, config: EAMATConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        dim, official = config.dim, config.official
        self.words = FrozenWords(lexicon.vectors)
        known = [OTHER] * len(lexicon.vectors) if lexicon.words is None else map(word_class, lexicon.words)
        self.register_buffer("tags", torch.tensor([PADDING, OTHER, *known]))
        self.video_projection = _Projection(config.feature_dim, config.max_clips, config)
        self.query_projection = _Projection(lexicon.vectors.shape[1], config.max_words, config)

        def block(strides: int) -> AttentionBlock:
            return AttentionBlock(dim, config.heads, strides=strides, dropout=config.dropout, official=official)

        self.query_encoder = block(config.strides)
        self.entity_encoder, self.motion_encoder = block(0), block(config.strides)
        self.early_fusion = ContextQueryAttention(dim, bias=True, official=official)
        self.early_blocks = nn.ModuleList(block(0) for _ in range(config.early_blocks))
        self.foreground = _Prediction(config)
        self.fusion = ContextQueryAttention(dim, bias=True, official=official)
        self.post_blocks = nn.ModuleList(block(config.strides) for _ in range(config.post_blocks))
        self.start, self.end = _Prediction(config), _Prediction(config)
        self.inside = _Prediction(config) if official else None
        if official:
            self.entity_classes = _Prediction(config, 3)

    def prepare_training(self, num_teachers: int) -> None:
        """Attach the predictor of the clips inside the moment."""
        super().prepare_training(num_teachers)
        if self.inside is None:
            self.inside = _Prediction(self.config).to(self.tags.device)

    def encode_video(self, video: Tensor, video_mask: Tensor) -> EncodedVideo:
        """`[B, L, V]`, `[B, L]` -> entity and motion branch `[B, L, D]`."""
        clips = self.video_projection(video, video_mask)
        return EncodedVideo(self.entity_encoder(clips, video_mask), self.motion_encoder(clips, video_mask), video_mask)

    def encode_query(self, word_ids: Tensor, char_ids: Tensor) -> EncodedQuery:
        """`[B, T]` -> `[B, T, D]`; characters are not read."""
        return self.encode_words(self.words(word_ids), self.tags[word_ids])

    def encode_words(self, vectors: Tensor, tags: Tensor) -> EncodedQuery:
        """Word vectors `[B, T, W]` and their classes `[B, T]`, 0 on padding -> `[B, T, D]`."""
        mask = tags != PADDING
        words = self.query_projection(vectors, mask)
        encoded = self.query_encoder(words, mask)
        entity, motion = (encoded + words * (tags != other).unsqueeze(2) for other in (VERB, NOUN))
        return EncodedQuery(encoded, entity, motion, mask)

    def ground(self, video: EncodedVideo, query: EncodedQuery) -> EAMATOutput:
        """Logits of every pair of video and query."""
        mask = video.mask
        present = mask.unsqueeze(2)
        entities = self.early_fusion(video.entity, query.entity, mask, query.mask) * present
        for layer in self.early_blocks:
            entities = layer(entities, mask)
        foreground = self.foreground(entities)
        clips = (video.entity + video.motion) * torch.sigmoid(foreground).unsqueeze(2)
        fused = self.fusion(clips, query.motion, mask, query.mask) * present
        for layer in self.post_blocks:
            fused = layer(fused, mask)
        inside = None
        if self.inside is not None and (self.training or self.config.official):
            inside = self.inside(fused)
        return EAMATOutput(self.start(fused), self.end(fused), inside, foreground, video, query)

    def loss(self, output: EAMATOutput, batch: Batch) -> Losses:
        """Cross-entropy of start and end; weighted losses of inside, foreground and alignment."""
        truth = batch.truth()
        start, end, mask = truth.start_index, truth.end_index, batch.video_mask
        config = self.config
        labels = inside_labels(start, end, mask, official=config.official)
        terms = {
            "span": span_loss(output.start_logits, output.end_logits, start, end, mask),
            "foreground": clip_loss(output.foreground_logits, labels, mask),
        }
        for name, branch in (("entity", output.video.entity), ("motion", output.video.motion)):
            words, word_mask = output.query.words, output.query.mask
            alignment = alignment_loss(words, branch, word_mask, labels, official=config.official)
            terms[f"{name}_alignment"] = alignment
        if output.inside_logits is not None:
            terms["inside"] = clip_loss(output.inside_logits, labels, mask)
        weights = {
            "span": 1.0,
            "foreground": config.foreground_weight,
            "entity_alignment": config.alignment_weight,
            "motion_alignment": config.alignment_weight,
            "inside": config.inside_weight,
        }
        return Losses(torch.stack([weights[name] * term for name, term in terms.items()]).sum(), terms)


def inside_labels(start: Tensor, end: Tensor, mask: Tensor, *, official: bool = False) -> Tensor:
    """1 on the clips `start` to `end` `[B]`, inclusive, else 0, float `[B, L]`; `official` leaves out `end`."""
    position = torch.arange(mask.shape[1], device=mask.device)
    last = end - 1 if official else end
    return ((position >= start.unsqueeze(1)) & (position <= last.unsqueeze(1)) & mask).float()


def clip_loss(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy of clips `[B, L]`, positives doubled: mean over each sample, then over the batch."""
    each = F.binary_cross_entropy_with_logits(logits, labels, reduction="none") * (1.0 + labels) * mask
    return (each.sum(1) / mask.sum(1)).mean()


def alignment_loss(
    words: Tensor, clips: Tensor, word_mask: Tensor, inside: Tensor, *, official: bool = False
) -> Tensor:
    """How differently queries and moments of a batch resemble each other.

    Symmetric KL divergence between the softmax rows of two similarity matrices `[B, B]`: of pooled
    words `[B, T, D]` and of clips `[B, L, D]` pooled over the moment, given by `inside` `[B, L]`.
    """
    kept = words if official else words * word_mask.unsqueeze(2)
    pooled = kept.sum(1), torch.einsum("bl,bld->bd", inside, clips)
    log_query, log_video = (
        torch.log_softmax(torch.matmul(unit, unit.t()), 1) for unit in (F.normalize(x, dim=1) for x in pooled)
    )
    return ((log_video - log_query) * (log_video.exp() - log_query.exp())).sum() / 2

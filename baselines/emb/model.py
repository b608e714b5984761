"""EMB (Huang et al., ECCV 2022): elastic moment bounding on a span-based network.

Frames and words attend to themselves and to each other, content-guided: a frame's query carries
the maximum of all frames before and of all frames after it. The frame branch then predicts spans
as VSLNet does. A proposal branch, in training alone, scores a map of segments; a segment that it
is sure of and that overlaps the annotation enough makes the annotation elastic: any start between
the two counts as right, and so does any end. Follows Raymond-sci/EMB @a81e57a.

Known defects of that code and what is done here:

* The proposal branch, a third of the weights, and a character network that nothing reads (the
  option for it is never passed on, so queries are words alone) run at inference. Neither exists at
  inference here; `config.official` runs both.
* The elastic boundaries take the segment's end one clip late, and the highlighted region ends at
  the earlier of both ends where the later is meant. Mended unless `config.official` is set.
* Frames are padded with -1e-30, which is 0, where -1e30 is meant, and the frames that guide
  proposals are not masked. Mended unless `config.official` is set. Spans never depend on it.
* Content guidance builds `[B, L, L, D]` tensors; running maxima give the same. Kept under
  `config.official`, with the dearer product order of the context-query attention.
* The ranker has one convolution, because it takes the attention's number of layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.emb.elastic_moments import (
    Proposals,
    confident_proposal,
    elastic_loss,
    pool_cells,
    ranking_loss,
    segment_proposals,
    span_overlap,
)
from baselines.emb.guided_attention import GuidedAttention, dense_context, running_context
from emtm.contract import Losses, ModelConfig, ModelInfo, Preset, Recipe
from emtm.data.batch import Batch
from emtm.data.labels import highlight_labels
from emtm.data.text import Lexicon
from emtm.layers.dropout import Dropout
from emtm.layers.encoder import linear, sinusoids
from emtm.layers.masking import NEGATIVE, key_bias, mask_logits
from emtm.layers.recurrent import BiLSTM
from emtm.layers.span.decoding import SpanGroundingModel
from emtm.layers.span.embedding import CharacterCNN, WordEmbedding
from emtm.layers.span.fusion import ContextQueryAttention, ContextQueryConcat
from emtm.layers.span.head import BoundaryLogits
from emtm.layers.span.losses import highlight_loss

EncodedQuery = tuple[Tensor, Tensor]
SHARPNESS = 0.05
"""Width of the sigmoid by which the threshold falls, as a share of training."""
_PUBLISHED = Recipe(optimizer="adamw", schedule="step-linear", learning_rate=5e-4)
_COMPACT = Recipe(optimizer="adamw", schedule="step-linear", learning_rate=1e-3, epochs=14, patience=6)


@dataclass(frozen=True, kw_only=True)
class EMBConfig(ModelConfig):
    """Sizes of EMB."""

    max_clips: int = 128
    max_words: int = 30
    dim: int = 128
    heads: int = 8
    char_dim: int = 50
    """Width of the character vectors, which published code computes and does not use."""
    dropout: float = field(default=0.2, metadata={"below": 1.0})
    downscale: int = 8
    """Clips to a cell of the proposal map."""
    threshold: float = 0.5
    """IoU with the annotation that a proposal needs at the end of training; 1 at its beginning."""
    highlight_weight: float = 5.0
    """Weight of the highlight loss."""
    rank_weight: float = 1.0
    """Weight of the ranking loss."""


@dataclass(frozen=True, slots=True)
class EncodedVideo:
    """Frames `[B, L, D]`, their mask `[B, L]`, and the proposals if the proposal branch runs."""

    frames: Tensor
    mask: Tensor
    proposals: Proposals | None


@dataclass(frozen=True, slots=True)
class EMBOutput:
    """Span logits (unmasked) and highlight logits (masked), `[B, L]` each, with the clip mask."""

    start_logits: Tensor
    end_logits: Tensor
    highlight_logits: Tensor
    video_mask: Tensor
    proposals: Proposals | None
    rank_logits: Tensor | None
    """Proposals' logits, `[B, P]`, unmasked."""


def _attention(config: EMBConfig, guide_width: int | None = None) -> GuidedAttention:
    return GuidedAttention(config.dim, config.heads, guide_width=guide_width, dropout=config.dropout)


class _Fuser(nn.Module):
    """VSLNet's fusion of a sequence with the query, then ReLU."""

    def __init__(self, config: EMBConfig) -> None:
        super().__init__()
        self.attention = ContextQueryAttention(config.dim, bias=True, dropout=config.dropout, official=config.official)
        self.concat = ContextQueryConcat(config.dim)

    def forward(self, x: Tensor, words: Tensor, mask: Tensor, word_mask: Tensor) -> Tensor:
        """`[B, L, D]`, `[B, T, D]` and their masks -> `[B, L, D]`."""
        return F.relu(self.concat(self.attention(x, words, mask, word_mask), words, word_mask))


class _Ranker(nn.Module):
    """One convolution over the proposal map, then one logit a proposal."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(dim, dim, 3, padding=1), nn.Conv2d(dim, 1, 1)
        for layer in (self.conv, self.out):
            nn.init.xavier_uniform_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Proposals `[B, P, D]`, `[B, P]` -> logits `[B, P]`."""
        count = math.isqrt(x.shape[1])
        x = (x * mask.unsqueeze(2)).transpose(1, 2).reshape(len(x), -1, count, count)
        present = mask.to(x.dtype).view(-1, 1, count, count)
        neighbours = F.conv2d(present, present.new_ones(1, 1, 3, 3), padding=1).round()
        # Each cell's share of the proposals under the kernel; 0 where there is none.
        share = torch.where(neighbours > 0, 1.0 / neighbours.clamp_min(1.0), 0.0)
        return self.out(F.relu(self.conv(x)) * share).flatten(1)  # type: ignore[no-any-return]


class _ProposalBranch(nn.Module):
    """Proposals and words attend to each other, guided by the frames at a proposal's ends."""

    def __init__(self, config: EMBConfig) -> None:
        super().__init__()
        self.scale, self.official = config.downscale, config.official
        self.proposals, self.proposals_to_words, self.proposals_again = (
            _attention(config, guide_width=1) for _ in range(3)
        )
        self.words_to_proposals, self.words_again = _attention(config), _attention(config)
        self.fuser = _Fuser(config)
        self.ranker = _Ranker(config.dim)

    def propose(self, frames: Tensor, mask: Tensor) -> Proposals:
        """Query-independent proposals of frames `[B, L, D]`, attending to each other."""
        found = segment_proposals(frames, mask, self.scale, official=self.official)
        features = self._guided(self.proposals, found.features, found, key_bias(found.mask), frames, mask)
        return Proposals(features, found.bounds, found.mask)

    def forward(
        self, found: Proposals, frames: tuple[Tensor, Tensor], frame_mask: Tensor, query: EncodedQuery
    ) -> Tensor:
        """Logits `[B, P]`; `frames` are those before and after they attended to the words."""
        (words, word_mask), mask = query, found.mask
        x = self._guided(
            self.proposals_to_words, found.features, found, key_bias(word_mask), frames[0], frame_mask, words
        )
        x = self._guided(self.proposals_again, x, found, key_bias(mask), frames[1], frame_mask)
        words = self.words_to_proposals(words, key_bias(mask), found.features)
        words = self.words_again(words, key_bias(word_mask))
        return self.ranker(self.fuser(x, words, mask, word_mask), mask)  # type: ignore[no-any-return]

    def _guided(
        self,
        layer: nn.Module,
        x: Tensor,
        found: Proposals,
        bias: Tensor,
        frames: Tensor,
        frame_mask: Tensor,
        source: Tensor | None = None,
    ) -> Tensor:
        """`layer`, guided by the cells in which each proposal begins and ends."""
        if not self.official:
            frames = frames.masked_fill(~frame_mask.unsqueeze(2), NEGATIVE)
        cells = pool_cells(frames, self.scale, official=self.official)
        present = found.mask.unsqueeze(2)
        before, after = (
            cells.gather(1, (bound // self.scale).unsqueeze(2).expand_as(x)) * present
            for bound in found.bounds.unbind(2)
        )
        return layer(x * present, bias, source, (before, after))  # type: ignore[no-any-return]


class _Predictor(nn.Module):
    """Start logits from encoded features, end logits from the encoding of the start's encoding."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.start_encoder, self.end_encoder = BiLSTM(dim, dim), BiLSTM(dim, dim)
        self.start_out, self.end_out = linear(2 * dim, dim), linear(2 * dim, dim)
        self.start_logits, self.end_logits = BoundaryLogits(dim), BoundaryLogits(dim)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, L, D]`, `[B, L]` -> start and end logits `[B, L]`."""
        started = self.start_out(self.start_encoder(x, mask))
        ended = self.end_out(self.end_encoder(started, mask))
        start = self.start_logits(torch.cat([started, x], 2)).squeeze(2)
        return start, self.end_logits(torch.cat([ended, x], 2)).squeeze(2)


class EMB(SpanGroundingModel[EncodedVideo, EncodedQuery, EMBOutput]):
    """Guided attention of frames and words, highlighting, span predictor; elastic moments in training."""

    name: ClassVar[str] = "emb"
    info: ClassVar[ModelInfo] = ModelInfo(
        title="EMB",
        role="baseline",
        paper="Huang et al., ECCV 2022",
        reference_code="Raymond-sci/EMB @a81e57a",
        reference_licence="MIT",
    )
    config: EMBConfig
    config_class: ClassVar[type[ModelConfig]] = EMBConfig
    presets: ClassVar[dict[str, Preset]] = {
        "charades-sta": Preset(EMBConfig(), _PUBLISHED),
        "activitynet-captions": Preset(EMBConfig(char_dim=100), _PUBLISHED),
        "tacos": Preset(EMBConfig(), _PUBLISHED),
        "compact": Preset(EMBConfig(max_clips=64, dim=32, heads=4, char_dim=16, dropout=0.1, downscale=4), _COMPACT),
    }
    training_only: ClassVar[tuple[str, ...]] = ("branch",)
    stages: ClassVar[dict[str, str]] = {
        "embedding": "text_embed",
        "characters": "text_embed",
        "query_projection": "text_embed",
        "video_projection": "video_proj",
        "highlight": "localise",
        "predictor": "localise",
    }
    positions: Tensor

    def __init__(self, config: EMBConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        dim, vectors = config.dim, lexicon.vectors
        self.embedding = WordEmbedding(vectors)
        self.query_projection = nn.Sequential(Dropout(config.dropout), linear(vectors.shape[1], dim))
        self.video_projection = nn.Sequential(Dropout(config.dropout), linear(config.feature_dim, dim))
        self.register_buffer("positions", sinusoids(max(config.max_clips, config.max_words), dim), persistent=False)
        self.frames, self.frames_to_words, self.frames_again = (_attention(config, guide_width=7) for _ in range(3))
        self.words, self.words_to_frames, self.words_again = (_attention(config) for _ in range(3))
        self.fuser = _Fuser(config)
        self.highlight = linear(dim, 1)
        self.predictor = _Predictor(dim)
        self.branch: _ProposalBranch | None = None
        self.characters: CharacterCNN | None = None
        self.progress = 0.0
        if config.official:
            self.branch = _ProposalBranch(config)
            self.characters = CharacterCNN(lexicon.num_chars, config.char_dim, official=True)

    def prepare_training(self, num_teachers: int) -> None:
        """Attach the proposal branch; without it, moments are not elastic."""
        super().prepare_training(num_teachers)
        if self.branch is None:
            self.branch = _ProposalBranch(self.config).to(self.positions.device)

    def on_progress(self, fraction: float) -> None:
        """Lower the threshold for proposals as training goes on."""
        self.progress = fraction

    def threshold(self) -> float:
        """IoU with the annotation that a proposal needs now: from about 1 to `config.threshold`, by a sigmoid."""
        strictness = 1.0 / (1.0 + math.exp((self.progress - 0.5) / SHARPNESS))
        return self.config.threshold + (1.0 - self.config.threshold) * strictness

    def encode_video(self, video: Tensor, video_mask: Tensor) -> EncodedVideo:
        """`[B, L, V]`, `[B, L]` -> frames `[B, L, D]`, and proposals where they are needed."""
        frames = self.video_projection(video) + self.positions[: video.shape[1]]
        branch = self._running_branch()
        proposals = None if branch is None else branch.propose(frames, video_mask)
        frames = self._attend(self.frames, frames, video_mask, key_bias(video_mask))
        return EncodedVideo(frames, video_mask, proposals)

    def encode_query(self, word_ids: Tensor, char_ids: Tensor) -> EncodedQuery:
        """`[B, T]`, `[B, T, C]` -> `[B, T, D]` and its mask; characters are not read."""
        mask = word_ids > 0
        if self.characters is not None:
            self.characters(char_ids)
        words = self.query_projection(self.embedding(word_ids)) + self.positions[: word_ids.shape[1]]
        return self.words(words, key_bias(mask)), mask

    def ground(self, video: EncodedVideo, query: EncodedQuery) -> EMBOutput:
        """Span and highlight logits of every pair of video and query."""
        (words, word_mask), mask = query, video.mask
        to_words = key_bias(word_mask)
        if self.config.official:
            # Padded frames attend to all words alike, padding too; they guide proposals.
            to_words = to_words.masked_fill(~mask[:, None, :, None], NEGATIVE)
        informed = self._attend(self.frames_to_words, video.frames, mask, to_words, words)
        frames = self._attend(self.frames_again, informed, mask, key_bias(mask))
        words = self.words_to_frames(words, key_bias(mask), video.frames)
        words = self.words_again(words, key_bias(word_mask))
        fused = self.fuser(frames, words, mask, word_mask)
        highlight = mask_logits(self.highlight(fused).squeeze(2), mask)
        start, end = self.predictor(fused * torch.sigmoid(highlight).unsqueeze(2), mask)
        branch, ranked = self._running_branch(), None
        if branch is not None and video.proposals is not None:
            ranked = branch(video.proposals, (video.frames, informed), mask, query)
        return EMBOutput(start, end, highlight, mask, video.proposals, ranked)

    def loss(self, output: EMBOutput, batch: Batch) -> Losses:
        """Elastic span loss plus weighted highlight and ranking losses; rigid without proposals."""
        return self.objective(output, batch, self.threshold())

    def objective(self, output: EMBOutput, batch: Batch, threshold: float) -> Losses:
        """The loss where proposals need an IoU of `threshold` with the annotation."""
        targets = batch.truth()
        config, mask = self.config, output.video_mask
        truth = torch.stack([targets.start_index, targets.end_index], 1)
        likely, terms = truth, {}
        if output.proposals is not None and output.rank_logits is not None:
            overlap = span_overlap(output.proposals.bounds, truth.unsqueeze(1))
            terms["rank"] = ranking_loss(output.rank_logits, overlap, output.proposals.mask)
            likely = confident_proposal(output.proposals, output.rank_logits, overlap, truth, threshold)
            if config.official:
                likely = likely + likely.new_tensor([0, 1])
        first, last = torch.minimum(truth, likely), torch.maximum(truth, likely)
        span = elastic_loss(output.start_logits, first[:, 0], last[:, 0], mask)
        span = span + elastic_loss(output.end_logits, first[:, 1], last[:, 1], mask)
        end = (first if config.official else last)[:, 1]
        labels = highlight_labels(first[:, 0], end, batch.num_clips, mask.shape[1])
        highlight = highlight_loss(output.highlight_logits, labels, mask)
        total = span + config.highlight_weight * highlight
        if "rank" in terms:
            total = total + config.rank_weight * terms["rank"]
        return Losses(total, {"span": span, "highlight": highlight, **terms})

    def _running_branch(self) -> _ProposalBranch | None:
        return self.branch if self.training or self.config.official else None

    def _attend(
        self, layer: nn.Module, frames: Tensor, mask: Tensor, bias: Tensor, source: Tensor | None = None
    ) -> Tensor:
        """`layer`, guided by what comes before and after each frame."""
        context = dense_context if self.config.official else running_context
        return layer(frames * mask.unsqueeze(2), bias, source, context(frames, mask))  # type: ignore[no-any-return]

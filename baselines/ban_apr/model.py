"""BAN-APR (Dong and Yin, ACCV 2022): boundary-aware moment map with adaptive proposal refinement.

BiLSTM encoders and context-query attention give fused clips. A candidate moment is its two
boundary clips and the maximum of its clips; the peaks of the scored map and their neighbours become
80 proposals, which exchange information over a complete graph and are scored again. Follows the
paper and DJX1995/BAN-APR @9ba9102, which has no licence; nothing of it is copied.

Known defects of that code and what is done here:

* A third of its weights never reaches a prediction, yet runs at inference: a content branch of which
  only the shape is used, the contrast encoders and the offset head; `fc_fuse` is used nowhere. Here
  the contrast encoders and the offset head exist in training alone and the rest is not built.
* The map is projected and scored in all N x N cells; here in the candidate cells.
* Training labels let a moment of clips i to j end where clip j begins, inference where it ends. Here
  both end where it ends.
* The edge convolution forms all 80 x 80 pairs. Its maximum over neighbours is that of one linear
  map, so that two products of 80 rows give the same.
* `loss.py` imports a function that does not exist, and the sampler fails when a small map runs out of
  unsuppressed moments; here suppressed ones fill up.
* `config.official` restores all of this but the failures.

Offsets of the boundaries are learned but not added to the result, as in the released evaluation.
Videos longer than `max_clips` are mean-pooled to it before they are interpolated to N clips. The
published learning rate falls tenfold after 4 or 5 of 8 or 9 epochs; here it falls linearly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.ban_apr.edge_conv import EdgeConv
from baselines.ban_apr.losses import contrast_loss, temporal_difference, temporal_difference_loss
from baselines.ban_apr.proposal_sampling import sample_proposals
from emtm.contract import GroundingModel, Losses, ModelConfig, ModelInfo, Preset, Recipe
from emtm.data.batch import Batch
from emtm.data.boundary_labels import boundary_clips, boundary_distribution, contrast_masks
from emtm.data.distributions import from_spans
from emtm.data.text import Lexicon
from emtm.layers.dropout import Dropout
from emtm.layers.encoder import sinusoids
from emtm.layers.map.moment_map import MomentGrid, diagonals, map_loss, max_pooled, moment_iou, scaled_iou
from emtm.layers.map.stretch import stretch_linear, stretch_max, stretch_mean
from emtm.layers.masking import mask_logits
from emtm.layers.nms import best_moments
from emtm.layers.sentence import BiLSTMStack, FrozenWords

EncodedVideo = tuple[Tensor, Tensor]
EncodedQuery = tuple[Tensor, Tensor]
_STRETCH = {"linear": stretch_linear, "mean": stretch_mean, "max": stretch_max}
_PUBLISHED = Recipe(optimizer="adam", learning_rate=1e-3, weight_decay=0.0, epochs=8, batch_size=32, clip_norm=10.0)
_COMPACT = Recipe(optimizer="adam", schedule="step-linear", learning_rate=3e-3, weight_decay=0.0, epochs=14, patience=6)


@dataclass(frozen=True, kw_only=True)
class BANAPRConfig(ModelConfig):
    """Sizes of BAN-APR; every BiLSTM of an encoder has `dim / 2` units a direction."""

    max_clips: int = 256
    max_words: int = 30
    map_clips: int = 48
    """Clips N of the map."""
    resample: Literal["linear", "mean", "max"] = "linear"
    """How a video's rows become N clips."""
    pooling_counts: tuple[int, ...] = field(default=(11, 6, 6), metadata={"minimum": 0})
    """Diagonals of the map besides the main one: how many 1, then 2, then 4 clips apart."""
    dim: int = 512
    lstm_layers: int = 1
    contrast_dim: int = 128
    dropout: float = field(default=0.1, metadata={"below": 1.0})
    peaks: int = 16
    neighbours: int = field(default=4, metadata={"minimum": 0})
    sampling_iou: float = 0.7
    """Overlap above which a moment belongs to a better one's peak."""
    graph_layers: int = 2
    boundary_sigma: float = 0.1
    """Width of the boundary targets, as a share of the moment."""
    boundary_peak: float = 0.8
    """Boundary target from which on it counts as 1."""
    min_iou: float = field(default=0.5, metadata={"below": 1.0})
    max_iou: float = 1.0
    map_weight: float = 2.0
    difference_weight: float = 0.2
    refine_weight: float = 3.0
    contrast_weight: float = 0.2
    offset_weight: float = 3.0
    nms_iou: float = 0.7
    """Overlap above which a lower-scored moment is dropped, when more than one is asked for."""
    nms_strict: bool = True
    """Whether a moment with exactly that overlap is kept, as published."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dim % 4:
            raise ValueError(f"dim is a multiple of 4, not {self.dim}")
        cells = sum(d.count for d in diagonals(self.map_clips, self.pooling_counts, False))
        if self.num_proposals > cells:
            raise ValueError(f"{self.num_proposals} proposals are more than the map's {cells} moments")

    @property
    def num_proposals(self) -> int:
        """Refined proposals K."""
        return self.peaks * (self.neighbours + 1)


@dataclass(frozen=True, slots=True)
class TrainingOutput:
    """What only the losses need."""

    difference: Tensor
    """Temporal difference of the boundary features, `[B, N]`."""
    offsets: Tensor
    """Predicted shift of start and end in fractions of the video, `[B, K, 2]`."""
    cells: Tensor
    """Candidates in the contrast space, `[B, C, E]`, or with `official` the whole map, `[B, N, N, E]`."""
    sentence: Tensor
    """Query in the contrast space, `[B, E]`."""


@dataclass(frozen=True, slots=True)
class BANAPROutput:
    """Scores of candidates and of the proposals chosen among them."""

    map_logits: Tensor
    """`[B, C]`."""
    proposals: Tensor
    """Cells of the proposals, long `[B, K]`."""
    logits: Tensor
    """Refined scores, `[B, K]`."""
    video_mask: Tensor
    """Bool `[B, L]`."""
    training: TrainingOutput | None


class _Attention(nn.Module):
    """Context-query attention without projection: [x; S_r y; x * S_r y; x * S_r S_c^T x]."""

    def __init__(self, dim: int, dropout: float, official: bool) -> None:
        super().__init__()
        self.official = official
        self.weight_x, self.weight_y = (nn.Parameter(torch.empty(dim, 1)) for _ in range(2))
        self.weight_xy = nn.Parameter(torch.empty(1, 1, dim))
        for weight in (self.weight_x, self.weight_y, self.weight_xy):
            nn.init.xavier_uniform_(weight)
        self.bias = nn.Parameter(torch.zeros(1))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, y: Tensor, mask_y: Tensor) -> Tensor:
        """`[B, N, D]`, `[B, T, D]`, `[B, T]` -> `[B, N, 4D]`."""
        dropped_x, dropped_y = self.dropout(x), self.dropout(y)
        score = torch.matmul(dropped_x, self.weight_x) + torch.matmul(dropped_y, self.weight_y).mT
        score = score + torch.matmul(dropped_x * self.weight_xy, dropped_y.mT) + self.bias
        over_y = torch.softmax(mask_logits(score, mask_y.unsqueeze(1)), 2)
        over_x = torch.softmax(score, 1).mT
        x_to_y = torch.matmul(over_y, y)
        if self.official:
            y_to_x = torch.matmul(torch.matmul(over_y, over_x), x)
        else:
            y_to_x = torch.matmul(over_y, torch.matmul(over_x, x))
        return torch.cat([x, x_to_y, x * x_to_y, x * y_to_x], 2)


class _Branch(nn.Module):
    """Two BiLSTM layers and a projection, `[B, N, D]` -> `[B, N, D]`."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(dim, dim, 2, batch_first=True, bidirectional=True)
        self.project = nn.Sequential(nn.Linear(2 * dim, dim), nn.ReLU(), Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """`[B, N, D]` -> `[B, N, D]`."""
        return self.project(self.lstm(x)[0])  # type: ignore[no-any-return]


class _TrainingBranch(nn.Module):
    """Offset head and contrast encoders: no prediction depends on them."""

    def __init__(self, dim: int, contrast_dim: int, dropout: float) -> None:
        super().__init__()
        self.offset = _scorer(dim, 2, dropout)
        self.cell, self.sentence = (
            nn.Sequential(nn.Linear(dim, contrast_dim), nn.ReLU(), nn.Linear(contrast_dim, contrast_dim))
            for _ in range(2)
        )

    def forward(self, boundary: Tensor, refined: Tensor, cells: Tensor, query: EncodedQuery) -> TrainingOutput:
        """Boundary features, refined proposals, candidates (a list or a map) and words -> what losses need."""
        words, mask = query
        sentence = self.sentence(words.sum(1) / mask.sum(1, keepdim=True))
        return TrainingOutput(temporal_difference(boundary), self.offset(refined), self.cell(cells), sentence)


def _scorer(dim: int, dim_out: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), Dropout(dropout), nn.Linear(dim, dim_out))


class BANAPR(GroundingModel[EncodedVideo, EncodedQuery, BANAPROutput]):
    """Boundary-aware map of moments, adaptive sampling, refinement on a graph of proposals."""

    name: ClassVar[str] = "ban-apr"
    unexportable: ClassVar[str] = "it samples proposals by scores that nearly tie, and another last bit samples others"
    info: ClassVar[ModelInfo] = ModelInfo(
        title="BAN-APR",
        role="baseline",
        paper="Dong and Yin, ACCV 2022",
        reference_code="DJX1995/BAN-APR @9ba9102",
        reference_licence="none",
    )
    config: BANAPRConfig
    config_class: ClassVar[type[ModelConfig]] = BANAPRConfig
    presets: ClassVar[dict[str, Preset]] = {
        "charades-sta": Preset(BANAPRConfig(), _PUBLISHED),
        "activitynet-captions": Preset(
            BANAPRConfig(
                feature_dim=4096,
                max_clips=512,
                map_clips=64,
                pooling_counts=(15, 8, 8),
                lstm_layers=2,
                peaks=20,
                neighbours=3,
                boundary_sigma=0.15,
                boundary_peak=0.7,
                difference_weight=0.1,
                contrast_weight=0.1,
            ),
            _PUBLISHED,
        ),
        "tacos": Preset(
            BANAPRConfig(
                feature_dim=4096,
                max_clips=512,
                map_clips=128,
                resample="mean",
                pooling_counts=(31, 16, 16),
                lstm_layers=2,
                boundary_sigma=0.15,
                difference_weight=0.1,
                contrast_weight=0.3,
                offset_weight=5.0,
            ),
            _PUBLISHED,
        ),
        "compact": Preset(
            BANAPRConfig(
                max_clips=64, map_clips=32, pooling_counts=(15, 8), dim=64, contrast_dim=16, peaks=8, neighbours=3
            ),
            _COMPACT,
        ),
    }
    training_only: ClassVar[tuple[str, ...]] = ("branch",)
    stages: ClassVar[dict[str, str]] = {
        "words": "text_embed",
        "map_score": "localise",
        "position": "localise",
        "graph": "localise",
        "refined_score": "localise",
        "branch": "localise",
    }

    def __init__(self, config: BANAPRConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        dim, dropout, layers = config.dim, config.dropout, config.lstm_layers
        self.grid = MomentGrid(config.map_clips, config.pooling_counts, strided=False)
        self.words = FrozenWords(lexicon.vectors)
        self.query_encoder = BiLSTMStack(config.word_dim, dim // 2, layers)
        lstm = {"batch_first": True, "bidirectional": True}
        self.video_encoder = nn.LSTM(config.feature_dim, dim // 2, layers, **lstm)
        self.attention = _Attention(dim, dropout, config.official)
        self.fuse = nn.LSTM(4 * dim, dim // 2, layers, **lstm)
        self.boundary = _Branch(dim, dropout)
        self.map_project = nn.Sequential(nn.Linear(3 * dim, dim), nn.ReLU(), Dropout(dropout))
        self.map_score = _scorer(dim, 1, dropout)
        self.position = nn.Linear(2 * dim, dim)
        self.graph = nn.Sequential(*(EdgeConv(dim, official=config.official) for _ in range(config.graph_layers)))
        self.refined_score = _scorer(dim, 1, dropout)
        self.register_buffer("waves", sinusoids(config.map_clips, dim // 2), persistent=False)
        self.branch: _TrainingBranch | None = None
        if config.official:
            self.branch = self._new_branch()
            self.content = _Branch(dim, dropout)
            self.fc_fuse = nn.Linear(3 * dim, dim)

    def _new_branch(self) -> _TrainingBranch:
        return _TrainingBranch(self.config.dim, self.config.contrast_dim, self.config.dropout)

    def prepare_training(self, num_teachers: int) -> None:
        """Attach the offset head and the contrast encoders; without them, their losses are left out."""
        super().prepare_training(num_teachers)
        if self.branch is None:
            self.branch = self._new_branch().to(self.position.weight.device)

    def encode_video(self, video: Tensor, video_mask: Tensor) -> EncodedVideo:
        """`[B, L, V]`, `[B, L]` -> `[B, N, D]` and the mask."""
        stretched = _STRETCH[self.config.resample](video, video_mask.sum(1), self.config.map_clips)
        return self.video_encoder(stretched)[0], video_mask

    def encode_query(self, word_ids: Tensor, char_ids: Tensor) -> EncodedQuery:
        """`[B, T]` -> `[B, T, D]` and its mask; characters are not used."""
        mask = word_ids > 0
        return self.query_encoder(self.words(word_ids), mask), mask

    def ground(self, video: EncodedVideo, query: EncodedQuery) -> BANAPROutput:
        """Scores of the candidates and of the refined proposals of every pair."""
        clips, video_mask = video
        fused = self.fuse(self.attention(clips, *query))[0]
        boundary = self.boundary(fused)
        pooled = max_pooled(fused.mT, self.grid)
        features, map_logits = self._score_map(boundary, pooled)
        proposals = sample_proposals(
            self.grid.spans(),
            torch.sigmoid(map_logits.detach()),
            self.config.sampling_iou,
            self.config.peaks,
            self.config.neighbours,
        )
        first, last = self.grid.cells[proposals].unbind(2)
        waves = self.get_buffer("waves")
        chosen = features.gather(1, proposals.unsqueeze(2).expand(-1, -1, features.shape[2]))
        refined = self.graph(self.position(torch.cat([chosen, waves[first], waves[last]], 2)))
        extra = None
        if self.branch is not None and (self.training or self.config.official):
            if self.config.official:
                self.content(fused)
            cells = self.grid.spread(pooled) if self.config.official else pooled
            extra = self.branch(boundary, refined, cells, query)
        return BANAPROutput(map_logits, proposals, self.refined_score(refined).squeeze(2), video_mask, extra)

    def _score_map(self, boundary: Tensor, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Features `[B, C, D]` and logits `[B, C]` of the candidates."""
        first, last = self.grid.cells.unbind(1)
        joined = torch.cat([boundary[:, first], boundary[:, last], pooled], 2)
        if self.config.official:
            table = self.map_project(self.grid.spread(joined))
            return self.grid.pick(table), self.grid.pick(self.map_score(table)).squeeze(2)
        features = self.map_project(joined)
        return features, self.map_score(features).squeeze(2)

    def loss(self, output: BANAPROutput, batch: Batch) -> Losses:
        """Map, temporal difference, refinement, contrast and offset losses, weighted as configured."""
        config, extra, clips = self.config, output.training, self.config.map_clips
        duration, cells = batch.duration_s, self.grid.cells
        moment = torch.minimum(batch.truth().moment_s.clamp_min(0.0), duration.unsqueeze(1))
        iou = moment_iou(cells, clips, moment, duration, closed=not config.official)
        targets = scaled_iou(iou, config.min_iou, config.max_iou).gather(1, output.proposals)
        terms = {
            "map": map_loss(output.map_logits, iou, config.min_iou, config.max_iou),
            "refine": F.binary_cross_entropy_with_logits(output.logits, targets),
        }
        if extra is not None:
            limits = boundary_clips(moment, duration, clips)
            near = boundary_distribution(limits, clips, config.boundary_sigma, config.boundary_peak).sum(1)
            apart = self.grid.pick(extra.cells) if config.official else extra.cells
            masks = contrast_masks(cells, moment, duration, clips)
            edges = cells[output.proposals] + torch.tensor([0, int(not config.official)], device=cells.device)
            shifts = (moment / duration.unsqueeze(1)).unsqueeze(1) - edges / clips
            terms["difference"] = temporal_difference_loss(extra.difference, near)
            terms["contrast"] = contrast_loss(extra.sentence, apart, masks[:, 0], masks[:, 1])
            # Published: the mean over starts plus the mean over ends.
            terms["offset"] = 2 * F.smooth_l1_loss(extra.offsets, shifts)
        weighted = [getattr(config, f"{name}_weight") * term for name, term in terms.items()]
        return Losses(torch.stack(weighted).sum(), terms)

    def moments(self, output: BANAPROutput, duration_s: Tensor, top_k: int = 1) -> Tensor:
        """Best proposals `[B, top_k, 3]` after non-maximum suppression."""
        spans = self.grid.spans()[output.proposals] * duration_s.view(-1, 1, 1)
        scores = torch.sigmoid(output.logits)
        return best_moments(spans, scores, self.config.nms_iou, top_k, strict=self.config.nms_strict)

    def span_distribution(self, output: BANAPROutput) -> Tensor:
        """Gaussians around the boundaries of the refined proposals, weighted by their scores, `[B, 2, L]`."""
        mask = output.video_mask
        spans = self.grid.spans()[output.proposals]
        return from_spans(spans, torch.sigmoid(output.logits), mask.sum(1), mask.shape[1])

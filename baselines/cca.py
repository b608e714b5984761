"""CCA (Wu et al., arXiv 2204.01450): commonsense concepts beside the clips of a moment map.

Word vectors of concepts pass a two-layer graph convolution and stand as further time columns beside
the clips; one transformer layer mixes clips and concepts. The map of moments, max-pooled from the
clips, is compared with the sentence twice: the convolved map with the sentence, the plain map with
the sentence enriched by the concepts. Everything about the video is query-independent, so a query
on a cached video costs a BiLSTM and two products. Follows ZiyueWu59/CCA @d73bf5a; there is no
configuration for Charades-STA.

Known defects of that code and what is done here:

* The transformer layer takes the batch for the sequence: clips attend to the same columns of their
  batch mates, and a prediction depends on them. A batch of one leaves a linear map of each sample by
  itself; that is what is done here, at every batch size. The query and key weights have no part in
  it and are not built.
* The constant adjacency is normalised in every forward pass by two products of C^3. Here once.
* Two of every four or eight projected rows are pooled, the others dropped; here only those two are
  projected.
* The map convolutions cover the lower triangle, which holds no moments; left out here at inference.
  Batch norm still sees it in training, as published.
* The BiLSTM reads padding backwards; here it does not.
* The adjacency is a parameter that never gets a gradient, and one linear layer of the graph is never
  used; here the first is a buffer and the second does not exist.
* `config.official` restores all of this.

The released concepts (624 and 3152 GloVe vectors, with co-occurrences and a commonsense graph) are
incomplete and not ours to ship. Here the concepts are the `num_concepts` most frequent words of the
vocabulary, whose vectors the lexicon holds in that order (zero vectors where it has fewer), and two
are related if the cosine of their vectors reaches `relation`, scaled as published. The published
learning rate falls at milestones; here it falls linearly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.contract import ModelConfig, ModelInfo, Preset, Recipe
from emtm.data.text import Lexicon
from emtm.layers.dropout import Dropout
from emtm.layers.map.conv import upper_conv
from emtm.layers.map.model import MapModel, MapModelConfig, MapOutput
from emtm.layers.map.moment_map import max_pooled
from emtm.layers.map.stretch import stretch_mean
from emtm.layers.sentence import BiLSTMStack, FrozenWords, last_valid

_HEADS = 8
_PUBLISHED = Recipe(optimizer="adam", learning_rate=1e-4, weight_decay=0.0, epochs=30, batch_size=32, clip_norm=10.0)
_TACOS = Recipe(optimizer="adam", learning_rate=1e-4, weight_decay=0.0, epochs=50, batch_size=32, clip_norm=10.0)
_COMPACT = Recipe(
    optimizer="adam", schedule="step-linear", learning_rate=6e-3, weight_decay=0.0, epochs=26, clip_norm=10.0
)


@dataclass(frozen=True, kw_only=True)
class CCAConfig(MapModelConfig):
    """Sizes of CCA."""

    max_clips: int = 512
    max_words: int = 30
    pool_kernel: int = 2
    """Sampled rows averaged into one clip; the stride is `max_clips / map_clips`."""
    num_concepts: int
    relation: float = field(default=0.3, metadata={"below": 1.0})
    """Cosine from which two concepts are related."""
    query_layers: int = 3
    ffn_dim: int = 2048
    dropout: float = field(default=0.1, metadata={"below": 1.0})
    """In the transformer layer."""
    concept_dropout: float = field(default=0.5, metadata={"below": 1.0})
    """On the sentence's attention to concepts."""
    normalize_features: bool = True
    """Scale every feature row to length 1, as the published loaders do."""
    nms_iou: float = 0.49

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_clips % self.map_clips:
            raise ValueError(f"max_clips {self.max_clips} is no multiple of map_clips {self.map_clips}")
        if self.pool_kernel > self.max_clips // self.map_clips:
            raise ValueError(f"pool_kernel {self.pool_kernel} is more than the rows of a clip")
        if (self.map_clips + self.num_concepts) % _HEADS:
            raise ValueError(f"map_clips plus num_concepts is a multiple of {_HEADS}")
        if self.dim % 2:
            raise ValueError(f"dim is even, not {self.dim}")


@dataclass(frozen=True, slots=True)
class EncodedVideo:
    """Everything about a video that does not need the query."""

    cells: Tensor
    """Max-pooled candidates, `[B, C, D]`."""
    convolved: Tensor
    """Candidates of the convolved map, `[B, C, D]`."""
    keys: Tensor
    """Of the concepts, `[B, K, D]`; the same for each sample."""
    values: Tensor
    """Of the concepts, `[B, K, D]`; the same for each sample."""
    mask: Tensor
    """Bool `[B, L]`."""


class _ConceptGraph(nn.Module):
    """Two graph convolutions over the concepts -> basis `[K, D]` with rows of length 1."""

    concepts: Tensor

    def __init__(self, concepts: Tensor, adjacency: Tensor, dim: int, official: bool) -> None:
        super().__init__()
        self.official = official
        self.register_buffer("concepts", concepts)
        self.inner = nn.Parameter(_uniform(concepts.shape[1], dim // 2))
        self.outer = nn.Parameter(_uniform(dim // 2, dim))
        if official:
            self.adjacency = nn.Parameter(adjacency)
            self.unused = nn.Linear(dim, dim)
        else:
            self.register_buffer("propagation", propagation(adjacency))

    def forward(self) -> Tensor:
        """`[K, D]`."""
        if self.official:
            scale = torch.diag(self.adjacency.sum(1).pow(-0.5))
            spread = torch.matmul(torch.matmul(self.adjacency, scale).t(), scale).detach()
        else:
            spread = self.get_buffer("propagation")
        hidden = F.leaky_relu(torch.matmul(spread, torch.matmul(self.concepts, self.inner)), 0.2)
        return _unit(torch.matmul(spread, torch.matmul(hidden, self.outer)))


class _ColumnMixer(nn.Module):
    """Transformer layer over a sequence of one: value and output maps, then the feed-forward part."""

    def __init__(self, width: int, ffn_dim: int, dropout: float) -> None:
        super().__init__()
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, ffn_dim), nn.Linear(ffn_dim, width)
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, D, N + K]` -> `[B, D, N + K]`."""
        x = self.norm_1(x + self.dropout(self.out(self.value(x))))
        inner = self.dropout(F.relu(self.inner(x)))
        return self.norm_2(x + self.dropout(self.outer(inner)))  # type: ignore[no-any-return]


class CCA(MapModel[EncodedVideo, Tensor]):
    """Concept graph, clip-concept mixing, moment map, two comparisons with the sentence."""

    name: ClassVar[str] = "cca"
    info: ClassVar[ModelInfo] = ModelInfo(
        title="CCA",
        role="baseline",
        paper="Wu et al., arXiv 2204.01450",
        reference_code="ZiyueWu59/CCA @d73bf5a",
        reference_licence="MIT",
    )
    config: CCAConfig
    config_class: ClassVar[type[ModelConfig]] = CCAConfig
    presets: ClassVar[dict[str, Preset]] = {
        "activitynet-captions": Preset(
            CCAConfig(feature_dim=500, map_clips=64, pooling_counts=(15, 8, 8), num_concepts=3152), _PUBLISHED
        ),
        "tacos": Preset(
            CCAConfig(
                feature_dim=4096,
                map_clips=128,
                pooling_counts=(15, 8, 8, 8),
                num_concepts=624,
                min_iou=0.3,
                max_iou=0.7,
            ),
            _TACOS,
        ),
        "compact": Preset(
            CCAConfig(
                max_clips=64,
                map_clips=32,
                pooling_counts=(15, 8),
                num_concepts=32,
                dim=32,
                query_layers=1,
                ffn_dim=128,
                min_iou=0.3,
                max_iou=0.7,
                dropout=0.2,
                concept_dropout=0.3,
                normalize_features=False,
            ),
            _COMPACT,
        ),
    }
    stages: ClassVar[dict[str, str]] = {"words": "text_embed", "frame": "video_proj"}

    def __init__(self, config: CCAConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        dim, width = config.dim, config.map_clips + config.num_concepts
        concepts = _concepts(lexicon.vectors, config.num_concepts)
        self.words = FrozenWords(lexicon.vectors)
        self.query_encoder = BiLSTMStack(config.word_dim, dim // 2, config.query_layers)
        self.query_projection = nn.Linear(dim, dim)
        self.frame = nn.Linear(config.feature_dim, dim)
        self.graph = _ConceptGraph(concepts, related(concepts, config.relation), dim, config.official)
        self.mixer = (
            nn.TransformerEncoderLayer(width, _HEADS, config.ffn_dim, config.dropout)
            if config.official
            else _ColumnMixer(width, config.ffn_dim, config.dropout)
        )
        self.conv_1 = nn.Conv2d(dim, dim, 5, padding=2)
        self.norm = nn.BatchNorm2d(dim)
        self.conv_2 = nn.Conv2d(dim, dim, 3, padding=1)
        self.concept_query, self.concept_key, self.concept_value = (nn.Linear(dim, dim) for _ in range(3))
        self.concept_dropout = Dropout(config.concept_dropout)
        self.balance = nn.Parameter(torch.tensor([0.5]))

    def encode_video(self, video: Tensor, video_mask: Tensor) -> EncodedVideo:
        """`[B, L, V]`, `[B, L]` -> both maps and the concepts."""
        basis = self.graph()
        columns = torch.cat([self._clips(video, video_mask), basis.t().expand(video.shape[0], -1, -1)], 2)
        mixed = self.mixer(columns)[:, :, : self.config.map_clips]
        cells = max_pooled(mixed, self.grid)
        convolved = self.grid.pick(self._convolve(self.grid.spread(cells).permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
        keys, values = (layer(basis).expand(video.shape[0], -1, -1) for layer in (self.concept_key, self.concept_value))
        return EncodedVideo(cells, convolved, keys, values, video_mask)

    def _clips(self, video: Tensor, video_mask: Tensor) -> Tensor:
        """`[B, L, V]` -> `[B, D, N]`."""
        config = self.config
        video = F.normalize(video, dim=2) if config.normalize_features else video
        rows = stretch_mean(video, video_mask.sum(1), config.max_clips)
        stride = config.max_clips // config.map_clips
        if config.official:
            return F.avg_pool1d(F.relu(self.frame(rows)).mT, config.pool_kernel, stride)
        shares = rows.view(rows.shape[0], config.map_clips, stride, -1)
        pooled = shares[:, :, : config.pool_kernel]
        return F.relu(self.frame(pooled)).mean(2).mT

    def _convolve(self, x: Tensor) -> Tensor:
        """`[B, D, N, N]` -> `[B, D, N, N]`; at inference right in the upper triangle alone."""
        if self.training or self.config.official:
            return self.conv_2(torch.tanh(self.norm(self.conv_1(x))))  # type: ignore[no-any-return]
        # A cell on the main diagonal has neighbours up to two below it.
        hidden = torch.tanh(self.norm(upper_conv(x, self.conv_1, 2, 2)))
        return upper_conv(hidden, self.conv_2, 1, 0)

    def encode_query(self, word_ids: Tensor, char_ids: Tensor) -> Tensor:
        """`[B, T]` -> `[B, D]`; characters are not used."""
        mask = word_ids > 0
        read = torch.ones_like(mask) if self.config.official else mask
        states = self.query_encoder(self.words(word_ids), read)
        return self.query_projection((states[:, 0] + last_valid(states, mask)) / 2)  # type: ignore[no-any-return]

    def ground(self, video: EncodedVideo, query: Tensor) -> MapOutput:
        """Scores of every candidate of every pair of video and query."""
        enriched = self._enrich(query, video.keys, video.values)
        by_video = F.normalize(query.unsqueeze(1) * video.convolved, dim=2).sum(2)
        by_text = F.normalize(enriched.unsqueeze(1) * video.cells, dim=2).sum(2)
        return MapOutput(self.balance * by_video + (1.0 - self.balance) * by_text, video.mask)

    def _enrich(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Query `[B, D]` plus what it attends to among the concepts, of length 1."""
        scores = torch.matmul(keys, self.concept_query(query).unsqueeze(2)).squeeze(2)
        attention = self.concept_dropout(torch.softmax(10.0 * scores, 1))
        return _unit(torch.matmul(attention.unsqueeze(1), values).squeeze(1) + query)


def _concepts(vectors: Tensor, count: int) -> Tensor:
    """Vectors of the first `count` words, `[K, W]`; zeros beyond the last word."""
    found = vectors[:count].detach().clone().float()
    return F.pad(found, (0, 0, 0, count - len(found)))


def related(concepts: Tensor, threshold: float) -> Tensor:
    """Identity plus a quarter in each column, shared by the concepts whose cosine reaches `threshold`, `[K, K]`."""
    unit = F.normalize(concepts, dim=1)
    links = (torch.matmul(unit, unit.t()) >= threshold).float().fill_diagonal_(0.0)
    return links * 0.25 / (links.sum(0, keepdim=True) + 1e-6) + torch.eye(len(concepts), device=concepts.device)


def propagation(adjacency: Tensor) -> Tensor:
    """Symmetrically normalised, transposed adjacency: `D^-1/2 A^T D^-1/2`, with D the row sums of A."""
    scale = adjacency.sum(1).pow(-0.5)
    return adjacency.t() * scale.unsqueeze(0) * scale.unsqueeze(1)


def _uniform(rows: int, columns: int) -> Tensor:
    limit = columns**-0.5
    return torch.empty(rows, columns).uniform_(-limit, limit)


def _unit(x: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x / (norm + 1e-12)

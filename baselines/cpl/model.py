"""CPL (Zheng et al., CVPR 2022): contrastive proposal learning, from sentences without moments.

A token that has read the video and the query proposes Gaussians over the video. A proposal is
judged by how well the query's words, some of them masked, can be told from the clips under it. In
training the best proposal must beat two mined negatives and the whole video, and proposals must
differ. No annotated moment is used. Follows minghangz/cpl @cb7562a.

Known defects of that code and what is done here:

* Inference masks words at random, so that predictions change from run to run. The first words that
  carry meaning are masked here; `masking="random"` draws them, seeded by `mask_seed`.
* Inference reconstructs from the negatives and the whole video too, which nothing reads. Not done
  here unless `config.official` is set.
* A query shorter than the longest of its batch is also judged by a padding word at its end. It is
  judged by its own words here unless `config.official` is set.

What differs besides: that code draws masked words by their tags in the sentence and drops words it
does not know. Here the classes are of words alone (`emtm.data.word_classes`), and unknown words
stay in the query without being judged. That code stretches every video to 200 frames; here videos
keep their length, and the Gaussians and the share of the diversity loss follow it. ActivityNet's
other settings are here, but there is none for TACoS.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.cpl.dual_transformer import Decoder, sinusoids
from emtm.contract import GroundingModel, Losses, ModelConfig, ModelInfo, Preset, Recipe
from emtm.data.batch import Batch
from emtm.data.distributions import from_spans
from emtm.data.text import Lexicon
from emtm.data.word_classes import NOUN, OTHER, PADDING, VERB, word_class
from emtm.layers.dropout import Dropout
from emtm.layers.nms import ranked_moments, span_iou
from emtm.layers.sentence import FrozenWords

SMOOTHING = 0.1
"""Share of each word's target that is spread over the vocabulary."""
LEAST_WIDTH = 0.01
PUBLISHED_FRAMES = 50
"""Frames of a video, after downscaling, that `diversity_overlap` is meant for."""
_PUBLISHED = Recipe(
    optimizer="adam",
    learning_rate=4e-4,
    weight_decay=0.0,
    schedule="inverse-sqrt",
    warmup_epochs=1,
    warmup_learning_rate=1e-7,
    epochs=30,
    batch_size=32,
    clip_norm=10.0,
)
_COMPACT = Recipe(
    optimizer="adam",
    learning_rate=1e-3,
    weight_decay=0.0,
    schedule="step-linear",
    epochs=20,
    clip_norm=10.0,
    patience=6,
)


@dataclass(frozen=True, kw_only=True)
class CPLConfig(ModelConfig):
    """Sizes of CPL."""

    max_clips: int = 200
    max_words: int = 20
    dim: int = 256
    heads: int = 4
    layers: int = 3
    """Layers of each of the two decoders."""
    proposals: int = 8
    vocabulary: int = 1112
    """Word ids that can be reconstructed, the most frequent first; padding and unknown included."""
    downscale: int = 4
    """Clips to a frame when words are reconstructed."""
    sigma: float = 9.0
    """Width of a proposal over the standard deviation of its Gaussian."""
    dropout: float = field(default=0.1, metadata={"below": 1.0})
    negatives: bool = True
    """Learn from mined negatives and from the whole video."""
    masking: Literal["first", "random"] = "first"
    """Which words are masked at inference; in training they are drawn."""
    mask_seed: int = field(default=0, metadata={"minimum": 0})
    voting: Literal["none", "all", "near"] = "none"
    """Rank proposals by their overlap with the others: with all, or with those near the best one more."""
    reference_margin: float = 0.1
    """By how much the best proposal must be better than the whole video."""
    negative_margin: float = 0.15
    """By how much it must be better than its negatives."""
    negative_growth: float = 0.5
    """Power of training's progress by which negatives approach the proposal."""
    rank_weight: float = 1.0
    diversity_weight: float = 5.0
    diversity_overlap: float = 0.146
    """Overlap of a proposal with itself that is aimed at: the lower, the wider."""


@dataclass(frozen=True, slots=True)
class EncodedVideo:
    """Projected clips `[B, L, D]`, the proposing token `[B, 1, D]`, and the clip mask `[B, L]`."""

    clips: Tensor
    token: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """A query behind its start token."""

    words: Tensor
    """Projected words `[B, T + 1, D]`, the start token first, without positions."""
    context: Tensor
    """Words in context, `[B, T + 1, D]`."""
    ids: Tensor
    """What each position is to tell, long `[B, T]`; 0 is padding, 1 unknown."""
    weights: Tensor
    """How likely each word is masked, `[B, T]`; 0 on padding."""
    mask: Tensor
    """Bool `[B, T + 1]`."""


@dataclass(frozen=True, slots=True)
class CPLOutput:
    """K proposals of each sample and how badly the words are told from them."""

    centre: Tensor
    """Fractions of the video, `[B, K]`."""
    width: Tensor
    """Fractions of the video, `[B, K]`."""
    cost: Tensor
    """Mean negative log-likelihood of the words, `[B, K]`."""
    gaussians: Tensor
    """Weights of frames, peak 1, `[B, K, F]`; 0 on padding."""
    num_frames: Tensor
    """Frames of each video, long `[B]`."""
    video_mask: Tensor
    """Bool `[B, L]`."""
    negative_costs: tuple[Tensor, Tensor] | None
    """As `cost`, from the negatives left and right; None at inference."""
    reference_cost: Tensor | None
    """Cost from the whole video, `[B]`; None at inference."""

    @property
    def spans(self) -> Tensor:
        """Start and end as fractions of the video, `[B, K, 2]`."""
        half = self.width / 2
        return torch.stack([(self.centre - half).clamp_min(0.0), (self.centre + half).clamp_max(1.0)], 2)


class _Sentence(NamedTuple):
    """What words are told from, and which: frames `[N, F, D]`, words `[N, T, D]`, ids `[N, T]`, masks."""

    frames: Tensor
    frame_mask: Tensor
    words: Tensor
    word_mask: Tensor
    ids: Tensor
    judged: Tensor


class CPL(GroundingModel[EncodedVideo, EncodedQuery, CPLOutput]):
    """Gaussian proposals from one decoder pair, judged by reconstruction with the same pair."""

    name: ClassVar[str] = "cpl"
    unexportable: ClassVar[str] = "the reconstruction loss by which it ranks its proposals has no ONNX form"
    info: ClassVar[ModelInfo] = ModelInfo(
        title="CPL",
        role="baseline",
        paper="Zheng et al., CVPR 2022",
        reference_code="minghangz/cpl @cb7562a",
        reference_licence="none",
    )
    config: CPLConfig
    config_class: ClassVar[type[ModelConfig]] = CPLConfig
    presets: ClassVar[dict[str, Preset]] = {
        "charades-sta": Preset(CPLConfig(), _PUBLISHED),
        "activitynet-captions": Preset(
            CPLConfig(
                feature_dim=500,
                vocabulary=8001,
                negative_growth=0.0,
                rank_weight=2.0,
                diversity_weight=0.1,
                diversity_overlap=0.13,
            ),
            _PUBLISHED,
        ),
        "compact": Preset(CPLConfig(max_clips=64, dim=64, layers=2, downscale=2), _COMPACT),
    }
    stages: ClassVar[dict[str, str]] = {
        "table": "text_embed",
        "video_projection": "video_proj",
        "proposal": "localise",
        "vocabulary": "localise",
    }
    tags: Tensor
    positions: Tensor

    def __init__(self, config: CPLConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        dim, word_dim = config.dim, lexicon.vectors.shape[1]
        self.table = FrozenWords(lexicon.vectors)
        known = [OTHER] * len(lexicon.vectors) if lexicon.words is None else map(word_class, lexicon.words)
        self.register_buffer("tags", torch.tensor([PADDING, OTHER, *known]))
        self.register_buffer("positions", sinusoids(config.max_words + 1, dim), persistent=False)
        self.dropout = Dropout(config.dropout)
        self.video_projection = nn.Linear(config.feature_dim, dim)
        self.word_projection = nn.Linear(word_dim, dim)
        self.proposing_token = nn.Parameter(torch.zeros(config.feature_dim))
        self.start_token, self.mask_token = (nn.Parameter(torch.zeros(word_dim)) for _ in range(2))
        self.clip_decoder, self.word_decoder = (
            Decoder(dim, config.heads, config.layers, dropout=config.dropout) for _ in range(2)
        )
        self.proposal = nn.Linear(dim, 2 * config.proposals)
        self.vocabulary = nn.Linear(dim, min(config.vocabulary, len(self.tags)))
        self.progress = 0.0

    def on_progress(self, fraction: float) -> None:
        """The further training is, the closer negatives come to the proposal."""
        self.progress = fraction

    def encode_video(self, video: Tensor, video_mask: Tensor) -> EncodedVideo:
        """`[B, L, V]`, `[B, L]` -> `[B, L, D]` and the proposing token."""
        token = self.proposing_token.expand(video.shape[0], 1, -1)
        projected = self.video_projection(self.dropout(torch.cat([video, token], 1)))
        return EncodedVideo(projected[:, :-1], projected[:, -1:], video_mask)

    def encode_query(self, word_ids: Tensor, char_ids: Tensor) -> EncodedQuery:
        """`[B, T]` -> `[B, T + 1, D]`; characters are not read."""
        vectors = self.table(word_ids)
        start = self.start_token.expand(vectors.shape[0], 1, -1)
        words = self.word_projection(self.dropout(torch.cat([start, vectors], 1)))
        tags = self.tags[word_ids]
        mask = F.pad(word_ids > 0, (1, 0), value=True)
        # As in the published code, words of meaning weigh e^2 and others e.
        weights = (1.0 + ((tags == NOUN) | (tags == VERB)).to(words.dtype)).exp() * mask[:, 1:]
        ids = torch.where(word_ids < self.vocabulary.out_features, word_ids, 1)
        context = self.word_decoder(words + self.positions[: words.shape[1]], mask)
        return EncodedQuery(words, context, ids, weights, mask)

    def ground(self, video: EncodedVideo, query: EncodedQuery) -> CPLOutput:
        """Proposals of every pair of video and query, and their costs."""
        config, count = self.config, self.config.proposals
        mask = F.pad(video.mask, (0, 1))
        read = self.clip_decoder(
            torch.cat([video.clips, video.token], 1), mask, None, (query.context, query.mask, None)
        )
        centre, width = torch.sigmoid(self.proposal(read[:, -1])).reshape(-1, count, 2).unbind(2)

        index, place, frame_mask = frame_grid(video.mask, config.downscale)
        frames = video.clips.gather(1, index.unsqueeze(2).expand(-1, -1, config.dim))
        words, judged = self._masked_words(query), self._judged(query)
        whole = _Sentence(frames, frame_mask, words, query.mask[:, :-1], query.ids, judged)
        each = _Sentence(*(x.unsqueeze(1).expand(-1, count, *x.shape[1:]).flatten(0, 1) for x in whole))

        def cost(gaussians: Tensor) -> Tensor:
            return self._cost(each, gaussians.flatten(0, 1)).reshape(-1, count)

        def gaussian(centre: Tensor, deviation: Tensor) -> Tensor:
            return peaked_gaussian(place, frame_mask, centre, deviation)

        gaussians = gaussian(centre, width.clamp_min(LEAST_WIDTH) / config.sigma)
        negative_costs, reference_cost = None, None
        if config.negatives and (self.training or config.official):
            share = self.progress**config.negative_growth / 2
            # A negative lies in the share of the room beside the proposal that is next to the video's edge.
            left, right = ((room - width / 2).clamp_min(0.0) * share for room in (centre, 1.0 - centre))
            negative_costs = (
                cost(gaussian(left, left.clamp_min(LEAST_WIDTH) / (config.sigma / 2))),
                cost(gaussian(1.0 - right, right.clamp_min(LEAST_WIDTH) / (config.sigma / 2))),
            )
            reference_cost = self._cost(whole, None)
        frame_count = frame_mask.sum(1)
        return CPLOutput(
            centre, width, cost(gaussians), gaussians, frame_count, video.mask, negative_costs, reference_cost
        )

    def loss(self, output: CPLOutput, batch: Batch) -> Losses:
        """Reconstruction, ranking and diversity; targets are not read."""
        config = self.config
        best, which = output.cost.min(1)
        reconstruction, rank = best.mean(), best.new_zeros(())
        if output.negative_costs is not None and output.reference_cost is not None:
            reconstruction = (reconstruction + output.reference_cost.mean()) / 2
            rank = F.relu(best - output.reference_cost + config.reference_margin).mean()
            for negative in output.negative_costs:
                theirs = negative.gather(1, which.unsqueeze(1)).squeeze(1)
                rank = rank + F.relu(best - theirs + config.negative_margin).mean()
        else:
            rank = best.mean()
        diversity = diversity_loss(output.gaussians, output.num_frames, config.diversity_overlap)
        total = reconstruction + config.rank_weight * rank + config.diversity_weight * diversity
        return Losses(total, {"reconstruction": reconstruction, "rank": rank, "diversity": diversity})

    def moments(self, output: CPLOutput, duration_s: Tensor, top_k: int = 1) -> Tensor:
        """Best proposals `[B, top_k, 3]` with their share of the likelihood, or of the votes; the last repeats."""
        spans, scores = output.spans, torch.softmax(-output.cost, 1)
        if self.config.voting != "none":
            overlap = span_iou(spans.unsqueeze(2), spans.unsqueeze(1))
            best = output.cost.argmin(1).view(-1, 1, 1).expand(-1, 1, overlap.shape[2])
            votes = overlap * overlap.gather(1, best) if self.config.voting == "near" else overlap
            scores = F.normalize(votes.sum(2), p=1.0, dim=1)
        return ranked_moments(spans * duration_s.view(-1, 1, 1), scores, top_k)

    def span_distribution(self, output: CPLOutput) -> Tensor:
        """Gaussians around the boundaries of all proposals, weighed by their likelihood, `[B, 2, L]`."""
        mask = output.video_mask
        return from_spans(output.spans, torch.softmax(-output.cost, 1), mask.sum(1), mask.shape[1])

    def _masked_words(self, query: EncodedQuery) -> Tensor:
        """Start token and all words but the last, a third of the words masked, with positions, `[B, T, D]`."""
        order = query.weights.log()
        if self.training:
            order = order + gumbel_like(order)
        elif self.config.masking == "random":
            seeded = torch.Generator().manual_seed(self.config.mask_seed)
            order = order + gumbel_like(order[0], seeded)
        masked = first_third(order, query.weights > 0)
        token = self.word_projection(self.mask_token)
        # The last word is told, never read.
        masked = F.pad(masked, (1, -1)).unsqueeze(2)
        words = query.words[:, :-1]
        return torch.where(masked, token, words) + self.positions[: words.shape[1]]

    def _judged(self, query: EncodedQuery) -> Tensor:
        """Positions whose words count towards the cost, bool `[B, T]`."""
        return query.mask[:, :-1] if self.config.official else query.ids > 1

    def _cost(self, told: _Sentence, weight: Tensor | None) -> Tensor:
        """Mean smoothed negative log-likelihood of words told from weighted frames, `[N]`."""
        seen = self.clip_decoder(told.frames, told.frame_mask, weight)
        words = self.word_decoder(told.words, told.word_mask, None, (seen, told.frame_mask, weight))
        logits = self.vocabulary(words).transpose(1, 2)
        each = F.cross_entropy(logits, told.ids, reduction="none", label_smoothing=SMOOTHING)
        return (each * told.judged).sum(1) / told.judged.sum(1).clamp_min(1)


def frame_grid(mask: Tensor, downscale: int) -> tuple[Tensor, Tensor, Tensor]:
    """Every `downscale`-th clip of each video: its index, its place in 0..1, and the mask, `[B, F]` each.

    Of n clips n // downscale are taken, at least one, the first and the last among them.
    """
    clips = mask.sum(1, keepdim=True)
    count = (clips // downscale).clamp_min(1)
    position = torch.arange(max(mask.shape[1] // downscale, 1), device=mask.device)
    steps = (count - 1).clamp_min(1)
    valid = position < count
    index = position * (clips - 1) // steps * valid
    return index, position / steps, valid


def peaked_gaussian(place: Tensor, mask: Tensor, centre: Tensor, deviation: Tensor) -> Tensor:
    """K Gaussians at places `[B, F]`, centres and deviations `[B, K]` -> `[B, K, F]`; 0 on padding.

    The highest weight of each is 1.
    """
    exponent = -((place.unsqueeze(1) - centre.unsqueeze(2)) / deviation.unsqueeze(2)).square() / 2
    exponent = exponent.masked_fill(~mask.unsqueeze(1), -torch.inf)
    return (exponent - exponent.amax(2, keepdim=True)).exp()


def diversity_loss(gaussians: Tensor, num_frames: Tensor, overlap: float) -> Tensor:
    """Squared distance of the proposals' mutual overlaps from `overlap` on the diagonal and 0 elsewhere.

    Overlaps of Gaussians `[B, K, F]` fall with the number of frames `[B]`; they are brought to
    `PUBLISHED_FRAMES`.
    """
    shares = gaussians / gaussians.sum(2, keepdim=True)
    overlaps = torch.matmul(shares, shares.transpose(1, 2)) * (num_frames / PUBLISHED_FRAMES).view(-1, 1, 1)
    target = overlap * torch.eye(gaussians.shape[1], device=gaussians.device)
    return (target - overlaps).square().sum((1, 2)).mean()


def first_third(order: Tensor, valid: Tensor) -> Tensor:
    """The third of the valid positions, at least one, that come first by falling `order`, bool `[B, T]`."""
    count = (valid.sum(1, keepdim=True) // 3).clamp_min(1)
    rank = torch.argsort(order, dim=1, descending=True, stable=True).argsort(1)
    return (rank < count) & valid


def gumbel_like(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Gumbel noise: the k highest of log-weights with it are k draws without replacement."""
    drawn = torch.empty(x.shape).exponential_(generator=generator)
    return -drawn.log().to(x.device)

"""EaTR (Jang et al., ICCV 2023): queries that are the events of the video before they hear of the sentence.

Slots compete for the clips and so find ten events, whose spans are the queries' first anchors; a
gated layer then weighs the events by the sentence, and the decoder refines the spans over clips and
words. In training the events learn from pseudo events, cut where the features' self-similarity
shows a boundary. Follows line/lighthouse @d095eaa (`lighthouse/common/eatr.py`), after jinhyunj/EaTR.

Known defects of that code and what is done here:

* Pseudo events are cut at inference too, where nothing reads them. They are ragged lists of
  Python, a tenth of the time, and their authors advise to comment the line out when costs are
  measured. Here they are cut in training alone; `config.official` cuts them always, unless
  `pseudo_events` is off.
* The first pseudo event of a video lasts from the last boundary of the one before it in the batch
  back to its own first, with a width below zero, and the last ends one clip early. The threshold is
  a mean over padding. Mended unless `config.official` is set.
* Slots give padded clips their full attention, and the sentence's maximum is over padded words.
  Masked unless `config.official` is set.
* The gate attends to one vector, so that its queries and keys and their products change nothing.
  They exist under `config.official` alone.
* The spans are refined once more after the last decoder layer, for nothing. Under `config.official` alone.
* What `baselines.moment_detr` says of heads at inference, positions of words, rounding, clips, words and
  learning rate holds here.

Slots do not need the query; here they belong to `encode_video`, so that they are cached with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.contract import ModelConfig, ModelInfo, Preset
from emtm.data.text import Lexicon
from emtm.layers.detr.conditional_decoder import ConditionalDecoder, ConditionalLayer
from emtm.layers.detr.model import DETRConfig, DETRModel, DETROutput, Encoded
from emtm.layers.detr.presets import detr_presets
from emtm.layers.detr.set_prediction import (
    GIOU_WEIGHT,
    SPAN_WEIGHT,
    assign,
    saliency_margin_loss,
    span_losses,
    to_centres,
)
from emtm.layers.detr.transformer import (
    AttentionLayer,
    MultiHeadAttention,
    extend_positions,
    inverse_sigmoid,
    join,
    mlp,
    sine_positions,
)
from emtm.layers.dropout import Dropout
from emtm.layers.encoder import linear
from emtm.layers.masking import key_bias

ENDS_SCORE = 100.0
"""Boundary score of a video's ends, which is above all others."""


@dataclass(frozen=True, kw_only=True)
class EaTRConfig(DETRConfig):
    """Sizes of EaTR."""

    slot_iterations: int = 3
    event_weight: float = 3.0
    """Weight of the pseudo events' losses against the moment's."""
    pseudo_events: bool = True
    """Whether events learn from pseudo events."""


@dataclass(frozen=True, slots=True)
class Events:
    """Pseudo events of each video: starts and ends as fractions of it."""

    spans: Tensor
    """`[B, K, 2]`."""
    present: Tensor
    """Bool `[B, K]`."""


@dataclass(frozen=True, slots=True)
class EncodedVideo:
    """Clips `[B, L, D]`, their mask, slots `[B, Q, D]`, and pseudo events where they are needed."""

    clips: Tensor
    mask: Tensor
    slots: Tensor
    events: Events | None


@dataclass(frozen=True, slots=True)
class EaTROutput(DETROutput):
    """`DETROutput`, and in training the spans of the slots, `[B, Q, 2]`, with the events they learn from."""

    event_spans: Tensor | None
    events: Events | None


def pseudo_events(video: Tensor, mask: Tensor, *, official: bool = False) -> Events:
    """Events between the boundaries that features `[B, L, V]` show, at most one to end at each clip.

    The boundary score of a clip is high where the clips before it are alike, those after it are
    alike, and the two are not: a 5x5 kernel along the diagonal of the cosine similarities. Boundaries
    are local maxima above the mean, and both ends of the video.
    """
    size, length = mask.shape
    count = mask.sum(1, keepdim=True)
    normed = video / (video.norm(dim=2, keepdim=True) + 1e-8)
    similarity = torch.bmm(normed, normed.transpose(1, 2))
    sides = similarity.new_tensor([1.0, 1.0, 0.0, -1.0, -1.0])
    scores = F.conv2d(similarity.unsqueeze(1), torch.outer(sides, sides).view(1, 1, 5, 5), padding=2).squeeze(1)
    score = scores.diagonal(dim1=1, dim2=2)
    threshold = score.mean(1, keepdim=True) if official else (score * mask).sum(1, keepdim=True) / count
    position = torch.arange(length, device=video.device).expand(size, -1)
    score = torch.where((position == 0) | (position == count - 1), ENDS_SCORE, score)
    boundary = (score >= score.roll(1, 1)) & (score >= score.roll(-1, 1)) & (score >= threshold)
    boundary = boundary if official else boundary & mask
    latest = torch.where(boundary, position, -1).cummax(1).values
    before = F.pad(latest[:, :-1], (1, 0), value=-1)
    if official:
        before[:, 0] = latest[:, -1].roll(1, 0)
        return Events(torch.stack([before, position], 2) / count.unsqueeze(2), boundary)
    ends = torch.where(position == count - 1, count, position)
    return Events(torch.stack([before, ends], 2) / count.unsqueeze(2), boundary & (before >= 0))


class _SlotAttention(nn.Module):
    """Slots that compete for the clips: a softmax over slots, then a mean of the clips each has won."""

    def __init__(self, dim: int, slots: int, iterations: int, *, official: bool) -> None:
        super().__init__()
        self.iterations, self.official = iterations, official
        self.initial = nn.Parameter(torch.empty(slots, dim))
        nn.init.xavier_uniform_(self.initial)
        self.query, self.key, self.value = linear(dim, dim), linear(dim, dim), linear(dim, dim)
        self.mlp = mlp(dim, dim, dim)
        self.norm_in, self.norm_slots, self.norm_mlp, self.norm_out = (nn.LayerNorm(dim) for _ in range(4))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`[B, L, D]`, `[B, L]` -> `[B, Q, D]`."""
        x = self.norm_in(x)
        key, value = self.key(x), self.value(x)
        slots, padding = self.initial + x.new_zeros(x.shape[0], 1, 1), ~mask.unsqueeze(1)
        for _ in range(self.iterations):
            query = self.query(self.norm_slots(slots)) * x.shape[2] ** -0.5
            products = torch.bmm(query, key.transpose(1, 2))
            if self.official:
                # Alike for all slots: each takes an equal share of every padded clip.
                weights = products.masked_fill(padding, -torch.finfo(products.dtype).max).softmax(1)
            else:
                weights = products.softmax(1).masked_fill(padding, 0.0)
            weights = weights / (weights.sum(2, keepdim=True) + 1e-8)
            slots = slots + torch.bmm(weights, value)
            slots = slots + self.mlp(self.norm_mlp(slots))
        return self.norm_out(slots)  # type: ignore[no-any-return]


class _OneKeyAttention(nn.Module):
    """Attention to one vector: what is left of it is that vector's value, whatever the queries are."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.value, self.out = linear(dim, dim), linear(dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """`[B, Q, D]`, `[B, 1, D]` twice -> `[B, Q, D]`; dropout takes the vector from whole queries."""
        weights = self.dropout(query.new_ones(*query.shape[:2], 1))
        return self.out(weights * self.value(value))  # type: ignore[no-any-return]


class _Gate(nn.Module):
    """Events weighted by the sentence."""

    def __init__(self, dim: int, dropout: float, *, official: bool) -> None:
        super().__init__()
        self.to_sentence = MultiHeadAttention(dim, 1, dropout) if official else _OneKeyAttention(dim, dropout)
        self.among_events = MultiHeadAttention(dim, 1, dropout)
        self.out, self.norm, self.dropout = linear(dim, dim), nn.LayerNorm(dim), Dropout(dropout)

    def forward(self, x: Tensor, sentence: Tensor) -> Tensor:
        """`[B, Q, D]`, `[B, 1, D]` -> `[B, Q, D]`."""
        heard = self.to_sentence(x, sentence, sentence)
        informed = x + heard
        informed = torch.sigmoid(x * heard) * self.among_events(informed, informed, informed)
        return self.norm(x + self.dropout(F.relu(self.out(informed))))  # type: ignore[no-any-return]


class EaTR(DETRModel[EncodedVideo, EaTROutput]):
    """Encoder over clips and words, slots for events, gated decoder over the events' spans."""

    name: ClassVar[str] = "eatr"
    info: ClassVar[ModelInfo] = ModelInfo(
        title="EaTR",
        role="baseline",
        paper="Jang et al., ICCV 2023",
        reference_code="line/lighthouse @d095eaa",
        reference_licence="Apache-2.0; jinhyunj/EaTR: MIT",
    )
    config: EaTRConfig
    config_class: ClassVar[type[ModelConfig]] = EaTRConfig
    presets: ClassVar[dict[str, Preset]] = detr_presets(EaTRConfig)
    stages: ClassVar[dict[str, str]] = {
        "words": "text_embed",
        "video_projection": "video_proj",
        "decoder": "localise",
        "event_span": "localise",
        "span_head": "localise",
        "class_head": "localise",
        "branch": "localise",
    }

    def __init__(self, config: EaTRConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        dim, sizes = config.dim, (config.dim, config.heads, config.feed_forward, config.dropout, nn.ReLU)
        self.encoder = nn.ModuleList(AttentionLayer(*sizes) for _ in range(config.encoder_layers))
        self.slots = _SlotAttention(dim, config.num_queries, config.slot_iterations, official=config.official)
        gate = _Gate(dim, config.dropout, official=config.official)
        layers = [ConditionalLayer(*sizes, first=True, gate=gate)]
        layers += [ConditionalLayer(*sizes, first=False) for _ in range(config.decoder_layers - 1)]
        self.decoder = ConditionalDecoder(layers, dim, dim, predicted=True, refine_last=config.official)
        self.norm = nn.LayerNorm(dim)
        self.event_span, self.span_head = mlp(dim, dim, dim, 2), mlp(dim, dim, dim, 2)
        for head in (self.event_span, self.span_head):
            nn.init.zeros_(cast(nn.Linear, head[-1]).weight)
        self.class_head = linear(dim, 2)

    def training_branch(self) -> nn.ModuleDict:
        """The saliency head, and the norm of the slots before their spans are compared with pseudo events."""
        branch: dict[str, nn.Module] = {"saliency": linear(self.config.dim, 1)}
        if self.config.pseudo_events or self.config.official:
            branch["event_norm"] = nn.LayerNorm(self.config.dim)
        return nn.ModuleDict(branch)

    def encode_video(self, video: Tensor, video_mask: Tensor) -> EncodedVideo:
        """`[B, L, V]`, `[B, L]` -> clips, slots, and pseudo events in training."""
        config = self.config
        inputs = self.clip_inputs(video, video_mask)
        events = None
        if config.pseudo_events and self.running_branch() is not None:
            events = pseudo_events(inputs, video_mask, official=config.official)
        clips = self.video_projection(inputs)
        slots = self.slots(clips + sine_positions(video_mask, config.dim), video_mask)
        return EncodedVideo(clips, video_mask, slots, events)

    def ground(self, video: EncodedVideo, query: Encoded) -> EaTROutput:
        """Spans and their classes for every pair of video and query."""
        (words, word_mask), mask = query, video.mask
        memory, valid = join((video.clips, mask), query)
        bias = key_bias(valid)
        position = extend_positions(sine_positions(mask, self.config.dim), memory.shape[1])
        for layer in self.encoder:
            memory = layer(memory, position, bias)
        sentence = words.amax(1) if self.config.official else masked_max(words, word_mask)
        anchors = torch.sigmoid(self.event_span(video.slots))
        states, anchors = self.decoder(
            video.slots, anchors, self.span_head, memory, position, bias, sentence.unsqueeze(1)
        )
        if not self.every_layer():
            states, anchors = states[-1:], anchors[-1:]
        normed = self.norm(states)
        spans = torch.sigmoid(self.span_head(normed) + inverse_sigmoid(anchors))
        output = EaTROutput(self.class_head(normed), spans, mask, None, None, video.events)
        branch = self.running_branch()
        if branch is None:
            return output
        saliency = branch["saliency"](memory[:, : mask.shape[1]]).squeeze(2)
        if "event_norm" not in branch:
            return replace(output, saliency=saliency)
        event_spans = torch.sigmoid(self.event_span(branch["event_norm"](video.slots)))
        return replace(output, saliency=saliency, event_spans=event_spans)

    def branch_losses(self, output: EaTROutput, inside: Tensor) -> Mapping[str, tuple[float, Tensor]]:
        """Hinge between clips inside and outside the moment, and distances of slots to pseudo events."""
        losses: dict[str, tuple[float, Tensor]] = {}
        if output.saliency is not None:
            hinge = saliency_margin_loss(output.saliency, inside, output.video_mask)
            losses["saliency"] = (self.config.saliency_weight, hinge)
        events = output.events
        if events is not None and output.event_spans is not None:
            targets, weight = to_centres(events.spans), self.config.event_weight
            matched = assign(output.event_spans, targets, events.present)
            span, giou = span_losses(output.event_spans, targets, matched)
            losses["event_span"], losses["event_giou"] = (weight * SPAN_WEIGHT, span), (weight * GIOU_WEIGHT, giou)
        return losses


def masked_max(x: Tensor, mask: Tensor) -> Tensor:
    """Maximum over valid positions, `[B, L, D]`, `[B, L]` -> `[B, D]`."""
    return x.masked_fill(~mask.unsqueeze(2), -torch.inf).amax(1)

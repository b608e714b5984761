"""From encoded video and query to span logits: fusion, matching and the conditioned predictor.

This is everything behind the shared encoder of EMTM's student; SeqPAN, EMTM's isomorphic teacher,
puts dual attention in front of the same head. VSLNet and EMB predict with `BoundaryLogits`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.layers.encoder import NORM_EPS, FeatureEncoder, linear
from emtm.layers.masking import key_bias, pair_bias, where_padded
from emtm.layers.span.fusion import ContextQueryAttention, ContextQueryConcat

NUM_LABELS = 4
"""Clip classes: 0 outside, 1 start, 2 inside, 3 end."""


@dataclass(frozen=True, slots=True)
class SpanOutput:
    """What a span model predicts; logits are unmasked."""

    start_logits: Tensor
    """`[B, L]`."""
    end_logits: Tensor
    """`[B, L]`."""
    video_mask: Tensor
    """Bool `[B, L]`."""
    match_logits: Tensor
    """Clip classes, `[B, L, 4]`."""
    fused: Tensor
    """Fused features, `[B, L, D]`."""


class MatchHead(nn.Module):
    """Classifies clips and adds the expected label embedding to their features."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.classify = linear(dim, NUM_LABELS)
        self.labels = nn.Parameter(torch.empty(NUM_LABELS, dim))
        nn.init.orthogonal_(self.labels)

    def forward(self, fused: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """`[B, L, D]`, `[B, L]` -> class logits `[B, L, 4]`, features `[B, L, D]` (0 on padding)."""
        logits = self.classify(fused)
        mixed = fused + torch.matmul(torch.softmax(logits, 2), self.labels)
        return logits, mixed if mask is None else mixed * mask.unsqueeze(2)


class ConditionedPredictor(nn.Module):
    """One feature encoder applied twice; the end is read from the encoding of the start."""

    def __init__(self, dim: int, heads: int, max_clips: int, *, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.official = official
        self.encoder = FeatureEncoder(dim, heads, max_clips, dropout=dropout, official=official)
        self.start_norm, self.end_norm = nn.LayerNorm(dim, NORM_EPS), nn.LayerNorm(dim, NORM_EPS)
        self.start_hidden, self.end_hidden = linear(2 * dim, dim), linear(2 * dim, dim)
        self.start_out, self.end_out = linear(dim, 1), linear(dim, 1)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, L, D]`, `[B, L]` -> start and end logits `[B, L]`, unmasked."""
        clips = where_padded(mask)
        started = self.encoder(x, clips, self._bias(mask, clips))
        ended = self.encoder(started, clips, self._bias(mask, clips))
        start = F.relu(self.start_hidden(torch.cat([self.start_norm(started), x], 2)))
        end = F.relu(self.end_hidden(torch.cat([self.end_norm(ended), x], 2)))
        return self.start_out(start).squeeze(2), self.end_out(end).squeeze(2)

    def _bias(self, mask: Tensor, clips: Tensor | None) -> Tensor | None:
        if self.official:
            return pair_bias(mask, mask)
        return None if clips is None else key_bias(clips)


class SpanHead(nn.Module):
    """Context-query attention both ways, concatenation, match head and predictor."""

    def __init__(self, dim: int, heads: int, max_clips: int, *, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.query_to_video = ContextQueryAttention(dim, dropout=dropout, official=official)
        self.video_to_query = ContextQueryAttention(dim, dropout=dropout, official=official)
        self.concat = ContextQueryConcat(dim)
        self.match = MatchHead(dim)
        self.predictor = ConditionedPredictor(dim, heads, max_clips, dropout=dropout, official=official)

    def forward(self, video: Tensor, query: Tensor, video_mask: Tensor, query_mask: Tensor) -> SpanOutput:
        """`[B, L, D]`, `[B, T, D]` and their masks -> span logits."""
        clips, words = where_padded(video_mask), where_padded(query_mask)
        context = self.query_to_video(video, query, clips, words)
        fused = self.concat(context, self.video_to_query(query, video, words, clips), words)
        match_logits, features = self.match(fused, clips)
        start, end = self.predictor(features, video_mask)
        return SpanOutput(start, end, video_mask, match_logits, fused)


class BoundaryLogits(nn.Sequential):
    """Two layers from `[B, L, 2D]` to one logit a clip, `[B, L, 1]`."""

    def __init__(self, dim: int) -> None:
        super().__init__(linear(2 * dim, dim), nn.ReLU(), linear(dim, 1))

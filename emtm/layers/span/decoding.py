"""From start and end logits to moments in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from emtm.contract import GroundingModel, QueryT, VideoT
from emtm.layers.masking import mask_logits
from emtm.layers.span.ranges import likeliest_spans
from emtm.layers.tracing import traced

NMS_IOU = 0.5
"""Overlap above which a lower-scored moment is dropped, when more than one is asked for."""
_SMALL_MAP = 1 << 14
"""Cells up to which a few operations on the whole map take less than the many that do without it."""


def span_probabilities(start_logits: Tensor, end_logits: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Masked softmax of both, `[B, L]` each."""
    return (
        torch.softmax(mask_logits(start_logits, mask), 1),
        torch.softmax(mask_logits(end_logits, mask), 1),
    )


def joint_probability(start: Tensor, end: Tensor, *, official: bool = False) -> Tensor:
    """P(start = i) P(end = j) for j >= i and 0 elsewhere, `[B, L, L]`.

    `official` forms it by a matrix product, as published; values are the same.
    """
    if official:
        return torch.triu(torch.matmul(start.unsqueeze(2), end.unsqueeze(1)))
    return torch.triu(start.unsqueeze(2) * end.unsqueeze(1))


def decode_spans(joint: Tensor) -> tuple[Tensor, Tensor]:
    """Best start and best end clip, long `[B]` each: row-wise and column-wise, first index on ties."""
    return joint.amax(2).argmax(1), joint.amax(1).argmax(1)


def span_moments(
    start_logits: Tensor,
    end_logits: Tensor,
    mask: Tensor,
    duration_s: Tensor,
    top_k: int = 1,
    *,
    official: bool = False,
) -> Tensor:
    """Best `top_k` moments, `[B, top_k, 3]` of start and end in seconds and probability.

    Clip i covers [i, i + 1] * duration / num_clips; the end clip is included. Moments after the
    first are chosen greedily among those that overlap every better one by at most `NMS_IOU`.
    """
    start, end = span_probabilities(start_logits, end_logits, mask)
    if official or traced() or start.numel() * start.shape[1] <= _SMALL_MAP:
        likeliest = _likeliest_cells(joint_probability(start, end, official=official))
    else:
        likeliest = likeliest_spans(start, end)
    clip_s = (duration_s / mask.sum(1)).unsqueeze(1)
    moments = []
    for first, last, score in islice(likeliest, top_k):
        times = torch.stack([first, last + 1], 1) * clip_s
        moments.append(torch.cat([times, score.unsqueeze(1)], 1))
    return torch.stack(moments, 1)


def _likeliest_cells(joint: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Best start clip, best end clip and largest value of the map `[B, L, L]`, again and again, `[B]` each."""
    while True:
        start, end = decode_spans(joint)
        yield start, end, joint.flatten(1).amax(1)
        joint = joint * (_overlap_with_all(start, end, joint.shape[1]) <= NMS_IOU)


def _overlap_with_all(start: Tensor, end: Tensor, length: int) -> Tensor:
    """IoU of the inclusive span `[start, end]` with every span (i, j), `[B, L, L]`."""
    i = torch.arange(length, device=start.device).view(1, -1, 1)
    j = i.view(1, 1, -1) + 1
    first, last = start.view(-1, 1, 1), end.view(-1, 1, 1) + 1
    shared = (torch.minimum(j, last) - torch.maximum(i, first)).clamp_min(0)
    joined = torch.maximum(j, last) - torch.minimum(i, first)
    return shared / joined


class SpanLogits(Protocol):
    """Output of a model that scores start and end clips; logits are unmasked."""

    @property
    def start_logits(self) -> Tensor:
        """`[B, L]`."""
        ...

    @property
    def end_logits(self) -> Tensor:
        """`[B, L]`."""
        ...

    @property
    def video_mask(self) -> Tensor:
        """Bool `[B, L]`."""
        ...


SpanT = TypeVar("SpanT", bound=SpanLogits)


class SpanGroundingModel(GroundingModel[VideoT, QueryT, SpanT]):
    """A model whose moments are read off start and end logits."""

    def moments(self, output: SpanT, duration_s: Tensor, top_k: int = 1) -> Tensor:
        """Best moments `[B, top_k, 3]` by the joint probability of start and end."""
        return span_moments(
            output.start_logits,
            output.end_logits,
            output.video_mask,
            duration_s,
            top_k,
            official=self.config.official,
        )

    def span_distribution(self, output: SpanT) -> Tensor:
        """Masked softmax of the logits, `[B, 2, L]`."""
        return torch.stack(span_probabilities(output.start_logits, output.end_logits, output.video_mask), 1)

"""Sets of spans, as DETRs predict them: the assignment to annotated spans, and the losses.

A span is a centre and a width, as fractions of the video, with a logit each for foreground and
background. Spans are assigned to annotated ones by the Hungarian method; assigned ones are pulled
to theirs, and to the foreground, all others to the background. Follows line/lighthouse @d095eaa.

Targets of the saliency losses are the clips of the annotated moment: positive inside, negative
outside. lighthouse does the same on Charades-STA, ActivityNet Captions and TACoS, but draws two pairs
of clips in each epoch; here the mean over all pairs is taken, which is the mean of the draw.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from emtm.data.batch import Batch

FOREGROUND, BACKGROUND = 0, 1
SPAN_WEIGHT, GIOU_WEIGHT, LABEL_WEIGHT = 10.0, 1.0, 4.0
"""Weights of the losses, and of the same quantities in the cost of an assignment."""
BACKGROUND_WEIGHT = 0.1
"""Weight of the background class in the cross-entropy."""
MARGIN = 0.2
"""By how much a clip inside the moment should be more salient than one outside."""


def to_boundaries(spans: Tensor) -> Tensor:
    """Centre and width `[..., 2]` -> start and end."""
    centre, width = spans.unbind(-1)
    return torch.stack([centre - 0.5 * width, centre + 0.5 * width], -1)


def to_centres(spans: Tensor) -> Tensor:
    """Start and end `[..., 2]` -> centre and width."""
    start, end = spans.unbind(-1)
    return torch.stack([0.5 * (start + end), end - start], -1)


def generalized_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU less the empty share of the hull, of starts and ends `[..., 2]` -> `[...]`, in -1..1."""
    overlap = (torch.minimum(a[..., 1], b[..., 1]) - torch.maximum(a[..., 0], b[..., 0])).clamp_min(0)
    union = (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - overlap
    hull = (torch.maximum(a[..., 1], b[..., 1]) - torch.minimum(a[..., 0], b[..., 0])).clamp_min(0)
    iou = overlap / torch.where(union == 0, 1.0, union)
    return iou - (hull - union) / torch.where(hull == 0, 1.0, hull)


def assign(spans: Tensor, targets: Tensor, present: Tensor, logits: Tensor | None = None) -> tuple[Tensor, ...]:
    """Cheapest one-to-one assignment in each sample: long indices of samples, of queries and of targets.

    Args:
        spans: predicted centres and widths, `[B, Q, 2]`.
        targets: `[B, K, 2]`.
        present: which targets there are, bool `[B, K]`.
        logits: `[B, Q, 2]`; without them the foreground does not count.
    """
    with torch.no_grad():
        predicted, wanted = spans.detach().unsqueeze(2).float(), targets.unsqueeze(1).float()
        cost = SPAN_WEIGHT * (predicted - wanted).abs().sum(3)
        cost = cost - GIOU_WEIGHT * generalized_iou(to_boundaries(predicted), to_boundaries(wanted))
        if logits is not None:
            cost = cost - LABEL_WEIGHT * logits.float().softmax(2)[..., FOREGROUND, None]
        costs, valid = torch.nan_to_num(cost).cpu().numpy(), present.cpu().numpy()
    triples = []
    for sample, (table, mask) in enumerate(zip(costs, valid, strict=True)):
        positions = mask.nonzero()[0]
        queries, columns = linear_sum_assignment(table[:, positions])
        triples += [(sample, query, positions[column]) for query, column in zip(queries, columns, strict=True)]
    indices = torch.tensor(triples, dtype=torch.long, device=spans.device).view(-1, 3)
    return indices.unbind(1)


def span_losses(spans: Tensor, targets: Tensor, matched: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Mean L1 distance and mean 1 - generalised IoU of assigned spans; 0 where nothing is assigned."""
    sample, query, target = matched
    ours, theirs = spans[sample, query], targets[sample, target]
    if not len(sample):
        return spans.sum() * 0.0, spans.sum() * 0.0
    return F.l1_loss(ours, theirs), 1.0 - generalized_iou(to_boundaries(ours), to_boundaries(theirs)).mean()


def label_loss(logits: Tensor, matched: tuple[Tensor, ...]) -> Tensor:
    """Cross-entropy of foreground and background, the latter weighted less; mean over all queries."""
    labels = torch.full(logits.shape[:2], BACKGROUND, dtype=torch.long, device=logits.device)
    labels[matched[0], matched[1]] = FOREGROUND
    weight = logits.new_tensor([1.0, BACKGROUND_WEIGHT])
    return F.cross_entropy(logits.transpose(1, 2), labels, weight, reduction="none").mean()


def inside_moment(batch: Batch) -> Tensor:
    """Clips of the annotated moment, bool `[B, L]`; raises ValueError without targets."""
    truth = batch.truth()
    position = torch.arange(batch.video.shape[1], device=batch.video.device)
    return (position >= truth.start_index[:, None]) & (position <= truth.end_index[:, None])


def saliency_margin_loss(scores: Tensor, inside: Tensor, mask: Tensor) -> Tensor:
    """Twice the mean hinge of all pairs of a clip inside and a clip outside, averaged over the batch.

    A sample whose moment is the whole video has no pair and adds 0.
    """
    pairs = (inside & mask).unsqueeze(2) & (~inside & mask).unsqueeze(1)
    hinge = (MARGIN + scores.unsqueeze(1) - scores.unsqueeze(2)).clamp_min(0) * pairs
    return 2.0 * (hinge.sum((1, 2)) / pairs.sum((1, 2)).clamp_min(1)).mean()

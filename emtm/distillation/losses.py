"""What the student learns from the aggregated label, and the unit from the truth.

`sound` forms are what the paper describes; `official` ones are the released code to the bit
(renjie-liang/EMET @fc99f61), whose distillation has a gradient about 1e-8 of the hard loss.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from emtm.layers.masking import mask_logits

TINY = 1e-8
"""Probability below which a label counts as this much, so that its logarithm is finite."""


def soften(probability: Tensor, temperature: float) -> Tensor:
    """Distribution `[..., L]` at a temperature: p^(1/T), normalised; zeros stay zeros.

    Equals softmax(logits / T) where `probability` is softmax(logits). A row of zeros stays one.
    """
    powered = probability.clamp_min(0.0).pow(1.0 / temperature)
    return powered / powered.sum(-1, keepdim=True).clamp_min(torch.finfo(powered.dtype).tiny)


def distillation_loss(logits: Tensor, label: Tensor, mask: Tensor, temperature: float) -> Tensor:
    """T^2 KL(label^(1/T) || softmax(logits / T)), mean over the batch (Hinton et al., 2015).

    Args:
        logits: student `[B, L]`, unmasked.
        label: distribution `[B, L]`, 0 on padding; no gradient flows into it.
        mask: valid clips, bool `[B, L]`.
        temperature: T > 0; T^2 keeps the gradient's size independent of it.
    """
    target = soften(label.detach(), temperature)
    log_student = torch.log_softmax(mask_logits(logits / temperature, mask), 1)
    # Padding has target 0, and 0 * log 0 is 0 in the sum.
    divergence = torch.where(target > 0, target * (target.clamp_min(TINY).log() - log_student), 0.0)
    return divergence.sum(1).mean() * temperature**2


def aggregation_loss(label: Tensor, target: Tensor, annotated: Tensor | None = None) -> Tensor:
    """Cross-entropy of the aggregated distribution `[B, L]` against the truth `[B, L]`, mean over the batch.

    A mixture of distributions is one, so this is the likelihood of the truth under the mixture. Where part of the
    batch is `annotated`, bool `[B]`, it is the mean over that part, and 0 where there is none.
    """
    each = -(target * label.clamp_min(TINY).log()).sum(1)
    if annotated is None:
        return each.mean()
    return torch.where(annotated, each, 0.0).sum() / annotated.sum().clamp_min(1)


def weight_prior(weights: Tensor) -> Tensor:
    """KL(uniform || weights) of teacher weights `[B, K, 2]`, summed over start and end, mean over the batch.

    On the queries that teachers were trained on, all of them are right, and likelihood alone gives
    all weight to the one whose label is shaped most like the target. The prior keeps the others in.
    """
    teachers = weights.shape[1]
    return -(teachers * weights).clamp_min(TINY).log().mean(1).sum(1).mean()


def hidden_alignment(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """1 - cosine of student and teacher features `[B, L, D]`, mean over the valid clips.

    The teacher's side is detached. The released code holds such a term commented out.
    """
    distance = 1.0 - F.cosine_similarity(student, teacher.detach(), 2)
    return (distance * mask).sum() / mask.sum()


def official_distillation(logits: Tensor, label: Tensor, mask: Tensor, temperature: float) -> Tensor:
    """The released code's divergence of one boundary, `[B]`: numerically nil, kept to show that.

    Both sides are divided by their L2 norm over time and by the temperature, then go through
    softmax twice; padding keeps the mass e^0. The label is not detached, and a row of zeros gives
    NaN, as published.
    """

    def twice(x: Tensor) -> Tensor:
        unit = x / x.square().sum(1, keepdim=True).sqrt()
        return torch.softmax(torch.softmax(unit / temperature, 1), 1)

    student, teacher = twice(logits * mask), twice(label)
    return (teacher * (teacher / student).log()).sum(1)

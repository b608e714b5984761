"""Every output form as start and end distributions over clips, `[B, 2, L]`: what teachers are compared in.

EMTM (arXiv 2308.03725) unifies heterogeneous teachers so. Its scripts (renjie-liang/VMRFrame,
renjie-liang/EMET @fc99f61) leave labels that are no distributions and have four defects. Here, by
default, the results are distributions over the valid clips, and:

* Gaussians sit on the centres of the start clip and the end clip. The published centre `2c/L - 1`
  on a grid of `linspace(-1, 1, L)` drifts by up to a clip along the video (`official_gaussian`).
* Each sample starts from zero. The published sums are never reset, so that each label holds a
  residue of the samples before it (`official_from_spans(..., accumulate=True)`).
* Padding is cut off before resampling. The published labels keep it, and it is squeezed onto the
  video (`official_align`).
* Fewer clips are reached by sharing each clip's mass between the two nearest, so that no peak is
  stepped over, as the published interpolation does (`official_align`).

Masked logits are handled by `emtm.layers.span.decoding.span_probabilities`.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

SIGMA = 0.1
"""Published width of the Gaussians, on an axis that is 2 long for the whole video."""


def from_moment_map(
    scores: Tensor, reduce: Literal["max", "sum"] = "max", *, norm: Literal["sum", "l2"] = "sum"
) -> Tensor:
    """Marginals of a 2-D map of moments (row: start cell, column: end cell) -> `[B, 2, N]`.

    Args:
        scores: non-negative `[B, N, N]`, 0 in cells that are no moments.
        reduce: `max` gives each boundary the score of its best moment (CCA's rule in EMTM); `sum`
            reads the map as a joint probability.
        norm: `l2` divides by the L2 norm, as published, and gives no distribution.

    A map of zeros gives the uniform distribution.
    """
    axes = (2, 1)
    marginals = torch.stack([scores.amax(axis) if reduce == "max" else scores.sum(axis) for axis in axes], 1)
    return F.normalize(marginals, dim=2) if norm == "l2" else _distribution(marginals, torch.ones_like(marginals))


def from_spans(spans: Tensor, scores: Tensor, num_clips: Tensor, length: int, sigma: float = SIGMA) -> Tensor:
    """Gaussians around the boundaries of scored spans (proposals, regressions, queries) -> `[B, 2, length]`.

    Each span adds its score times a Gaussian of peak 1 around its first and around its last clip; a
    span shorter than a clip has both in its middle. Scores of 0 everywhere give the uniform distribution.

    Args:
        spans: start and end as fractions of the video, `[B, K, 2]`; clamped to 0..1.
        scores: non-negative `[B, K]`.
        num_clips: valid clips, long `[B]`.
        length: L, at least the largest of `num_clips`.
        sigma: width on an axis of length 2, as published: 0.1 is a twentieth of the video.
    """
    clips = num_clips.view(-1, 1).to(spans.dtype)
    position, valid = _grid(num_clips, length)
    start, end = spans.clamp(0.0, 1.0).unbind(2)
    middle = (start + end) / 2
    first = torch.minimum(start + 0.5 / clips, middle)
    last = torch.maximum(end - 0.5 / clips, middle)
    centres = torch.stack([first, last], 1).unsqueeze(3)
    axis = ((position.to(spans.dtype) + 0.5) / clips).view(-1, 1, 1, length)
    bumps = _gaussian(2 * (axis - centres), sigma, valid.view(-1, 1, 1, length))
    return _distribution(torch.einsum("bk,bckl->bcl", scores, bumps), valid.unsqueeze(1))


def resample(distribution: Tensor, num_clips_from: Tensor | int, num_clips_to: Tensor | int, length: int) -> Tensor:
    """Distributions over other clips of the same videos, `[B, 2, N]` -> `[B, 2, length]`.

    The first and the last clip keep their places. More clips are linearly interpolated, as published;
    for fewer, each clip's mass is shared between its two nearest. What lies beyond `num_clips_from`
    takes no part; a sample without mass becomes uniform.

    Args:
        distribution: non-negative.
        num_clips_from: valid clips of each sample in `distribution`, long `[B]` or one number.
        num_clips_to: clips of each sample in the result, likewise.
        length: L, at least the largest of `num_clips_to`.
    """
    old, new = (
        torch.as_tensor(n, device=distribution.device).expand(distribution.shape[0])
        for n in (num_clips_from, num_clips_to)
    )
    weights = resampling_weights(old, new, distribution.shape[2], length).to(distribution.dtype)
    _, valid = _grid(new, length)
    return _distribution(torch.matmul(distribution, weights.mT), valid.unsqueeze(1))


def resampling_weights(num_clips_from: Tensor, num_clips_to: Tensor, length_from: int, length_to: int) -> Tensor:
    """What `resample` multiplies with before it normalises: float64 `[B, length_to, length_from]`, 0 on padding."""
    (source, source_valid), (target, target_valid) = (
        _grid(n, length) for n, length in ((num_clips_from, length_from), (num_clips_to, length_to))
    )
    last_source, last_target = ((n - 1).view(-1, 1) for n in (num_clips_from, num_clips_to))
    # The coarser grid is laid on the finer one: hats of its width then sum to one over either.
    onto_source = target * last_source / last_target.clamp_min(1)
    onto_target = source * last_target / last_source.clamp_min(1)
    distance = torch.where(
        (last_source > last_target).unsqueeze(2),
        onto_target.unsqueeze(1) - target.unsqueeze(2),
        onto_source.unsqueeze(2) - source.unsqueeze(1),
    )
    weights = (1.0 - distance.abs()).clamp_min(0.0)
    return weights * source_valid.unsqueeze(1) * target_valid.unsqueeze(2)


def official_gaussian(index: Tensor, num_clips: Tensor, length: int, sigma: Tensor | float = SIGMA) -> Tensor:
    """Published Gaussian weights of boundary indices `[B, K]` -> `[B, K, length]`, peak 1, 0 from `num_clips` on.

    The centre `2 index / length - 1` lies on `linspace(-1, 1, length)`, whose step is `2 / (length - 1)`.
    `sigma` is one number, or `[B, 1, 1]`.
    """
    axis = torch.linspace(-1.0, 1.0, length, device=index.device)
    _, valid = _grid(num_clips, length)
    centres = 2 * index.unsqueeze(2) / length - 1
    widths = sigma * num_clips.view(-1, 1, 1) / length
    return _gaussian(axis - centres, widths, valid.unsqueeze(1))


def official_from_spans(
    start: Tensor, end: Tensor, scores: Tensor, length: int, *, sigma: float = SIGMA, accumulate: bool = False
) -> Tensor:
    """Published label of proposals with clip indices `[B, K]` (end exclusive): L2-normalised `[B, 2, length]`.

    `accumulate` keeps the published sums, which are never reset: to each sample is added the
    normalised label of the one before it.
    """
    clips = torch.full_like(start[:, 0], length)
    bumps = torch.stack([official_gaussian(index, clips, length, sigma) for index in (start, end)], 1)
    sums = torch.einsum("bk,bckl->bcl", scores, bumps)
    if not accumulate:
        return F.normalize(sums, dim=2)
    labels = [F.normalize(sums[0], dim=1)]
    for own in sums[1:]:
        labels.append(F.normalize(labels[-1] + own, dim=1))
    return torch.stack(labels)


def official_align(labels: Tensor, num_clips: Tensor, length: int) -> Tensor:
    """Published resampling of `[B, 2, N]` to each sample's clips -> `[B, 2, length]`, 0 on padding.

    All N entries take part, those on the teacher's padding too, and nothing is normalised.
    """
    aligned = labels.new_zeros(*labels.shape[:2], length)
    for target, label, clips in zip(aligned, labels, num_clips.tolist(), strict=True):
        target[:, :clips] = F.interpolate(label[None], size=clips, mode="linear", align_corners=True)[0]
    return aligned


def _grid(num_clips: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Clip positions `[1, length]` in float64 and valid clips, bool `[B, length]`."""
    position = torch.arange(length, device=num_clips.device).unsqueeze(0)
    return position.double(), position < num_clips.view(-1, 1)


def _gaussian(offset: Tensor, sigma: Tensor | float, valid: Tensor) -> Tensor:
    """Gaussian of `offset`, 0 where not `valid`, with its highest value on the grid (last axis) scaled to 1."""
    exponent = (-0.5 * (offset / sigma).square()).masked_fill(~valid, -torch.inf)
    return (exponent - exponent.amax(-1, keepdim=True)).exp()


def _distribution(mass: Tensor, valid: Tensor) -> Tensor:
    """`mass` scaled to sum 1 over the last axis on `valid`; uniform where there is none."""
    mass = mass * valid
    total = mass.sum(-1, keepdim=True)
    uniform = (valid / valid.sum(-1, keepdim=True)).to(mass.dtype)
    return torch.where(total > 0, mass / torch.where(total > 0, total, 1.0), uniform)

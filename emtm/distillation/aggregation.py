"""EMTM's Knowledge Aggregation Unit (arXiv 2308.03725): how much to trust each teacher, query by query.

Video features at three time scales, gated by the query, become one weight a teacher for the start
and one for the end; the aggregated label is the weighted sum of the teachers' distributions.
Training only. Follows renjie-liang/EMET @fc99f61, whose unit has four defects, kept under
`official`:

* its batch normalisation never leaves its initial statistics (mean 0, variance 1), so it does not
  normalise; a LayerNorm over channels, which needs no statistics, stands in its place here;
* video padding runs through the convolutions; it is masked here;
* padding words take part in the maximum over words; they do not here;
* the track over clips goes through a dense layer, so the unit is tied to one video length. Here
  the gated channels are averaged over the valid clips and the dense layer reads the channels.

The `informed` unit is not of the paper. It also reads how sure each teacher is of a query and how far from what all
say together, which the published unit, that sees video and query alone, would have to guess.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.distillation.losses import TINY
from emtm.layers.encoder import NORM_EPS, linear
from emtm.layers.masking import mask_logits

WIDTHS = (3, 5, 7)
CHANNELS = 16
HIDDEN = 32
BATCH_NORM_EPS = 1e-3
SIGNS = 2
"""What `signs` tells of each boundary of each teacher."""


class FrozenBatchNorm(nn.Module):
    """Batch normalisation of `[..., C]` that uses its stored statistics in training too."""

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """`[..., C]` -> `[..., C]`."""
        return (x - self.mean) * (self.gamma * (self.variance + BATCH_NORM_EPS).rsqrt()) + self.beta


def _norm(official: bool) -> nn.Module:
    return FrozenBatchNorm(CHANNELS) if official else nn.LayerNorm(CHANNELS, NORM_EPS)


class MultiScaleConv(nn.Module):
    """Convolutions over time of several widths, to a few channels each."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(dim, CHANNELS, width) for width in WIDTHS)
        for kernel, bias in self._weights():
            nn.init.xavier_uniform_(kernel)
            nn.init.zeros_(bias)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, L, D]` -> `[3, B, L, 16]`, in one convolution, which takes half the time of three."""
        widest = max(WIDTHS)
        kernels = [F.pad(kernel, ((widest - kernel.shape[2]) // 2,) * 2) for kernel, _ in self._weights()]
        # As in `DepthwiseSeparableConv`, two dimensions spare a copy of the input.
        image = x.transpose(1, 2).unsqueeze(2)
        bias = torch.cat([bias for _, bias in self._weights()])
        out = F.conv2d(image, torch.cat(kernels).unsqueeze(2), bias, padding=(0, widest // 2))
        return out.reshape(-1, len(WIDTHS), CHANNELS, x.shape[1]).permute(1, 0, 3, 2)

    def _weights(self) -> list[tuple[Tensor, Tensor]]:
        return [(conv.weight, conv.bias) for conv in self.convs]  # type: ignore[misc]


class KnowledgeAggregation(nn.Module):
    """Weights `[B, K, 2]` of K teachers for start and end; they sum to 1 over the teachers."""

    def __init__(
        self, dim: int, num_teachers: int, max_clips: int, *, official: bool = False, informed: bool = False
    ) -> None:
        super().__init__()
        if num_teachers < 1:
            raise ValueError("aggregation needs at least one teacher")
        self.official = official
        self.convolution = MultiScaleConv(dim)
        self.norms = nn.ModuleList(_norm(official) for _ in WIDTHS)
        self.gate = linear(dim, CHANNELS)
        self.gate_norm = _norm(official)
        signs = SIGNS * 2 * num_teachers if informed else 0
        self.hidden = linear((max_clips if official else CHANNELS) + signs, HIDDEN)
        self.teachers = nn.ModuleList(linear(HIDDEN, 2) for _ in range(num_teachers))

    def forward(self, video: Tensor, query: Tensor, video_mask: Tensor, query_mask: Tensor) -> Tensor:
        """Encoded `[B, L, D]`, `[B, T, D]` and their masks -> weights `[B, K, 2]`.

        Under `official` L must be `max_clips`.
        """
        return self.weigh(self.pooled(video, query, video_mask, query_mask))

    def weigh(self, pooled: Tensor) -> Tensor:
        """What `pooled` gives, `[B, 16]`, for an informed unit with `signs` beside it -> weights `[B, K, 2]`."""
        hidden = F.relu(self.hidden(pooled))
        return torch.softmax(torch.stack([teacher(hidden) for teacher in self.teachers], 1), 1)

    def pooled(self, video: Tensor, query: Tensor, video_mask: Tensor, query_mask: Tensor) -> Tensor:
        """Encoded `[B, L, D]`, `[B, T, D]` and their masks -> gated channels over the video, `[B, 16]`."""
        if not self.official:
            video = video * video_mask.unsqueeze(2)
            query = mask_logits(query, query_mask.unsqueeze(2))
        gate = F.relu(self.gate_norm(self.gate(query.amax(1))))
        scales = zip(self.norms, self.convolution(video), strict=True)
        multi_scale = torch.stack([F.relu(norm(scale)) for norm, scale in scales]).sum(0)
        gated = multi_scale * gate.unsqueeze(1)
        if self.official:
            return gated.mean(2)
        valid = video_mask.unsqueeze(2).to(gated.dtype)
        return (gated * valid).sum(1) / valid.sum(1)


def aggregate(labels: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum of teacher labels `[B, K, 2, L]` with weights `[B, K, 2]` -> `[B, 2, L]`."""
    return (labels * weights.unsqueeze(3)).sum(1)


def uniform_weights(labels: Tensor) -> Tensor:
    """Equal weights `[B, K, 2]` for labels `[B, K, 2, L]`: the average in place of the unit."""
    return torch.full_like(labels[..., 0], 1.0 / labels.shape[1])


def geometric(labels: Tensor, weights: Tensor) -> Tensor:
    """Weighted geometric mean of teacher labels `[B, K, 2, L]` -> distributions `[B, 2, L]`, 0 where all labels are 0.

    A logarithmic pool (Genest and Zidek, 1986): what one teacher rules out stays unlikely, where the sum keeps every
    teacher's peak.
    """
    logs = (labels.clamp_min(TINY).log() * weights.unsqueeze(3)).sum(1)
    return torch.softmax(logs.masked_fill(labels.amax(1) <= 0, -torch.inf), 2)


def signs(labels: Tensor) -> Tensor:
    """How sure each teacher is, and how far from all together, by its labels `[B, K, 2, L]` -> `[B, 4 K]`.

    The entropy of each label, over that of the uniform one, and its divergence from the mean of the teachers.
    """
    clips = (labels.amax((1, 2)) > 0).sum(1).clamp_min(2).to(labels.dtype)
    logs = labels.clamp_min(TINY).log()
    entropy = -(labels * logs).sum(3) / clips.log().view(-1, 1, 1)
    apart = (labels * (logs - labels.mean(1, keepdim=True).clamp_min(TINY).log())).sum(3)
    return torch.stack([entropy, apart], 3).flatten(1)

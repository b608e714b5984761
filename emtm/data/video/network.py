"""EfficientNet-Lite0, an image classifier whose pooled features describe a frame.

Written from the description of its authors (EfficientNet, Tan and Le, ICML 2019, arXiv 1905.11946; the Lite
variants leave out squeeze-and-excitation and put ReLU6 in place of swish) and checked against the published
weights, which classify as they should only in exactly this network.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

WIDTH = 1280
"""Numbers that describe a frame."""
SIZE_PX = 224
CLASSES = 1000

_STEM = 32
_NORM_EPS = 1e-3
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks, kernel, stride of the first block, expansion, output channels."""


class SameConv(nn.Conv2d):
    """Convolution padded as TensorFlow's SAME: of an odd number of zeros the larger part is below and right."""

    def __init__(self, channels: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """`[B, C, H, W]` -> `[B, C', ceil(H / stride), ceil(W / stride)]`."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        down, across = (max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in input.shape[2:])
        if down or across:
            input = F.pad(input, (across // 2, across - across // 2, down // 2, down - down // 2))
        return super().forward(input)


class InvertedBottleneck(nn.Module):
    """Widen, look around in each channel by itself, narrow; added to the input where the shapes agree."""

    def __init__(self, channels: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels * expansion
        self.widens, self.skips = expansion != 1, stride == 1 and channels == outputs
        if self.widens:
            self.expand, self.expand_norm = SameConv(channels, inner, 1), _norm(inner)
        self.depthwise, self.depthwise_norm = SameConv(inner, inner, kernel, stride, groups=inner), _norm(inner)
        self.project, self.project_norm = SameConv(inner, outputs, 1), _norm(outputs)

    def forward(self, input: Tensor) -> Tensor:
        """`[B, C, H, W]` -> `[B, C', H', W']`."""
        inner = F.relu6(self.expand_norm(self.expand(input))) if self.widens else input
        inner = F.relu6(self.depthwise_norm(self.depthwise(inner)))
        output: Tensor = self.project_norm(self.project(inner))
        return output + input if self.skips else output


class EfficientNetLite0(nn.Module):
    """Frames to features, and features to the classes of ImageNet."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.stem_norm = SameConv(3, _STEM, 3, 2), _norm(_STEM)
        blocks: list[InvertedBottleneck] = []
        channels = _STEM
        for count, kernel, stride, expansion, outputs in _STAGES:
            for place in range(count):
                blocks.append(InvertedBottleneck(channels, outputs, kernel, 1 if place else stride, expansion))
                channels = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head, self.head_norm = SameConv(channels, WIDTH, 1), _norm(WIDTH)
        self.classifier = nn.Linear(WIDTH, CLASSES)

    def forward(self, frames: Tensor) -> Tensor:
        """Features `[B, 1280]` of frames `[B, 3, H, W]`: the last map's mean over all places."""
        maps = self.blocks(F.relu6(self.stem_norm(self.stem(frames))))
        return F.relu6(self.head_norm(self.head(maps))).mean((2, 3))

    def classify(self, features: Tensor) -> Tensor:
        """Class logits `[B, 1000]` of features `[B, 1280]`."""
        logits: Tensor = self.classifier(features)
        return logits


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_NORM_EPS)

"""Convolutions over a moment map, whose lower triangle holds no moments."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIP = 16
"""Rows convolved at a time: each strip starts at the first column that can hold anything."""


def upper_conv(x: Tensor, conv: nn.Conv2d, padding: int, margin: int) -> Tensor:
    """Convolution of `[B, D, S, S]` at the cells with column >= row - `margin`; other outputs are 0 or unspecified.

    Gives `[B, D', S + 2 padding - K + 1, ...]`. The map is cut into strips of rows, each of which
    leaves out the columns before its first wanted one.
    """
    padded = F.pad(x, (padding,) * 4)
    kernel = conv.kernel_size[0]
    size = padded.shape[2] - kernel + 1
    strips = []
    for first in range(0, size, STRIP):
        rows = min(STRIP, size - first)
        skipped = max(0, first - margin)
        window = padded[:, :, first : first + rows + kernel - 1, skipped:]
        strips.append(F.pad(F.conv2d(window, conv.weight, conv.bias), (skipped, 0)))
    return torch.cat(strips, 2)

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


class MapConv(nn.Module):
    """2D-TAN's stack of convolutions, each output divided by the number of valid cells under the kernel.

    Published code puts the padding of all layers into the first and convolves the whole square.
    By default each layer computes only what reaches a valid cell of the result: what lies further
    from the valid cells than the layers before reach is 0, and what lies further than the layers
    behind reach is not needed.
    """

    def __init__(self, dim: int, kernel: int, layers: int, mask: Tensor, *, official: bool = False) -> None:
        super().__init__()
        self.reach = kernel // 2
        self.official = official
        self.convs = nn.ModuleList(nn.Conv2d(dim, dim, kernel) for _ in range(layers))
        for index, weight in enumerate(_weights(mask, kernel, layers)):
            # Layers 1..index and index+1..layers: the fewer of both bound the frame around the map.
            frame = min(index + 1, layers - index - 1) * self.reach
            cut = 0 if official else (layers - index - 1) * self.reach - frame
            kept = weight[cut : weight.shape[0] - cut, cut : weight.shape[0] - cut]
            self.register_buffer(f"weight_{index}", kept.contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, D, N, N]` with 0 in cells that are no moments -> `[B, D, N, N]`."""
        layers, frame = len(self.convs), 0
        for index, conv in enumerate(self.convs):
            assert isinstance(conv, nn.Conv2d)
            if self.official:
                padding = layers * self.reach if index == 0 else 0
                x = F.conv2d(F.pad(x, (padding,) * 4), conv.weight, conv.bias)
            else:
                wider = min(index + 1, layers - index - 1) * self.reach
                x = upper_conv(x, conv, wider - frame + self.reach, 2 * wider)
                frame = wider
            x = F.relu(x) * self.get_buffer(f"weight_{index}")
        return x


def _weights(mask: Tensor, kernel: int, layers: int) -> list[Tensor]:
    """For each layer, one over the number of cells under the kernel that hold something, 0 where none does."""
    held = F.pad(mask.float(), (layers * (kernel // 2),) * 4)
    weights = []
    for _ in range(layers):
        # Counts by summed windows: exact, and without a product that a counter would book.
        count = held.unfold(0, kernel, 1).unfold(1, kernel, 1).sum((2, 3))
        held = (count > 0).float()
        weights.append(held / count.clamp_min(1.0))
    return weights

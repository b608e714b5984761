"""Moments as cells of a 2-D map (2D-TAN, Zhang et al., AAAI 2020): cells, features, targets, loss.

Cell (i, j) of an N x N map is the moment of clips i to j, both included. Features and scores are
kept as lists of the candidate cells, row by row; `MomentGrid.spread` lays them out as a map.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.layers.nms import span_iou


@dataclass(frozen=True, slots=True)
class Diagonal:
    """Candidates of one length: cells (s, s + offset) for `count` starts s = 0, stride, 2 stride, ..."""

    offset: int
    stride: int
    count: int


class MomentGrid(nn.Module):
    """The candidate cells of an N x N map.

    The main diagonal is always there. `counts[k]` further diagonals lie 2^k apart; with `strided`
    their starts do too (2D-TAN, CCA), without it every start stays (BAN-APR).

    Raises ValueError when the diagonals reach beyond the map.
    """

    cells: Tensor
    """First and last clip, long `[C, 2]`, row by row."""
    mask: Tensor
    """Bool `[N, N]`."""
    order: Tensor
    """Position of each cell in the concatenated diagonals, long `[C]`."""

    def __init__(self, num_clips: int, counts: tuple[int, ...], *, strided: bool = True) -> None:
        super().__init__()
        self.num_clips = num_clips
        self.diagonals = diagonals(num_clips, counts, strided)
        starts = torch.cat([torch.arange(d.count) * d.stride for d in self.diagonals])
        offsets = torch.cat([torch.full((d.count,), d.offset) for d in self.diagonals])
        order = (starts * num_clips + offsets).argsort()
        cells = torch.stack([starts, starts + offsets], 1)[order]
        mask = torch.zeros(num_clips, num_clips, dtype=torch.bool)
        mask[cells[:, 0], cells[:, 1]] = True
        self.register_buffer("cells", cells, persistent=False)
        self.register_buffer("mask", mask, persistent=False)
        self.register_buffer("order", order, persistent=False)

    @property
    def num_cells(self) -> int:
        """Number of candidates C."""
        return self.cells.shape[0]

    def spread(self, values: Tensor) -> Tensor:
        """Values of the cells `[B, C, ...]` -> map `[B, N, N, ...]` with 0 elsewhere."""
        batch, rest, size = values.shape[0], values.shape[2:], self.num_clips
        index = self.cells[:, 0] * size + self.cells[:, 1]
        flat = values.new_zeros(batch, size**2, *rest).index_copy(1, index, values)
        return flat.view(batch, size, size, *rest)

    def pick(self, table: Tensor) -> Tensor:
        """Map `[B, N, N, ...]` -> values of the cells `[B, C, ...]`."""
        return table[:, self.cells[:, 0], self.cells[:, 1]]

    def spans(self) -> Tensor:
        """Start and end as fractions of the video, float `[C, 2]`."""
        return torch.stack([self.cells[:, 0], self.cells[:, 1] + 1], 1) / self.num_clips

    def windows(self) -> list[tuple[int, int]]:
        """Kernel and stride of the pooling that takes each diagonal to the next."""
        pairs = itertools.pairwise(self.diagonals)
        return [((b.offset - a.offset) // a.stride + 1, b.stride // a.stride) for a, b in pairs]

    def gatherdiagonals(self, rows: list[Tensor]) -> Tensor:
        """Features `[B, D, count]` of every diagonal -> features of the cells `[B, C, D]`."""
        return torch.cat(rows, 2).transpose(1, 2).index_select(1, self.order)


def diagonals(num_clips: int, counts: tuple[int, ...], strided: bool) -> tuple[Diagonal, ...]:
    """Diagonals of a `MomentGrid`, shortest moments first; raises ValueError when the map is too small for them."""
    if not all(isinstance(count, int) and count >= 0 for count in counts):
        raise ValueError(f"pooling counts are whole numbers from 0, not {counts}")
    found = [Diagonal(0, 1, num_clips)]
    for level, count in enumerate(counts):
        for _ in range(count):
            before = found[-1]
            stride = 2**level if strided else 1
            offset = before.offset + 2**level
            # As many as a pooling window of this reach and stride finds on the diagonal before.
            reach = (offset - before.offset) // before.stride
            left = (before.count - reach - 1) // (stride // before.stride) + 1
            if left < 1:
                raise ValueError(f"a map of {num_clips} clips has no moments of {offset + 1} clips")
            found.append(Diagonal(offset, stride, left))
    return tuple(found)


def max_pooled(clips: Tensor, grid: MomentGrid) -> Tensor:
    """Maximum of each candidate's clips, `[B, D, N]` -> `[B, C, D]`, pooled from diagonal to diagonal."""
    rows = [clips]
    for kernel, stride in grid.windows():
        rows.append(F.max_pool1d(rows[-1], kernel, stride))
    return grid.gatherdiagonals(rows)


def moment_iou(cells: Tensor, num_clips: int, moment_s: Tensor, duration_s: Tensor, *, closed: bool = True) -> Tensor:
    """IoU of cells `[..., 2]` with annotated moments `[B, 2]` of videos `[B]` -> `[B, ...]`.

    Cell (i, j) lasts from i to j + 1 clips; without `closed` from i to j, as BAN-APR's training
    labels have it, where one clip lasts no time.
    """
    start, end = cells.unbind(-1)
    clips = torch.stack([start, end + int(closed)], -1)
    view = (-1, *(1 for _ in start.shape), 1)
    spans = clips * duration_s.view(view) / num_clips
    return span_iou(spans, moment_s.reshape(*view[:-1], 2))


def scaled_iou(iou: Tensor, low: float, high: float, bias: float = 0.0) -> Tensor:
    """IoU from `low..high` to `0..1`, cut off beyond; targets above 0 start at `bias`."""
    scaled = (iou - low) * (1.0 - bias) / (high - low)
    return torch.where(scaled > 0, scaled + bias, scaled).clamp(0.0, 1.0)


def map_loss(logits: Tensor, iou: Tensor, low: float, high: float, bias: float = 0.0) -> Tensor:
    """Binary cross-entropy of cell logits with scaled IoUs (same shape), averaged over all cells."""
    return F.binary_cross_entropy_with_logits(logits, scaled_iou(iou, low, high, bias).to(logits.dtype))

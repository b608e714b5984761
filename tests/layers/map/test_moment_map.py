"""Cells, features and targets of moment maps, against plain loops."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from emtm.data.features import pool_clips
from emtm.layers.map.conv import upper_conv
from emtm.layers.map.moment_map import MomentGrid, map_loss, max_pooled, moment_iou, scaled_iou
from emtm.layers.map.stretch import stretch_linear, stretch_max, stretch_mean

GRIDS = [(16, (15,), True), (16, (3, 2, 2), True), (64, (15, 8, 8), True), (16, (5, 3, 1), False), (7, (2, 1), True)]


def test_published_grids_have_the_published_cells() -> None:
    """2D-TAN on ActivityNet: every length to 16, then every second from 18 to 32, every fourth from 36 to 64."""
    cells = MomentGrid(64, (15, 8, 8)).cells
    lengths = sorted(set((cells[:, 1] - cells[:, 0] + 1).tolist()))
    assert lengths == [*range(1, 17), *range(18, 33, 2), *range(36, 65, 4)]
    for first, step in ((18, 2), (36, 4)):
        long = cells[(cells[:, 1] - cells[:, 0] + 1 >= first) & (cells[:, 1] - cells[:, 0] + 1 < 2 * first - 2)]
        assert (long[:, 0] % step == 0).all()
    assert MomentGrid(16, (15,)).num_cells == 136


@pytest.mark.parametrize(("clips", "counts", "strided"), GRIDS)
def test_features_are_maxima_of_their_clips(clips: int, counts: tuple[int, ...], strided: bool) -> None:
    grid = MomentGrid(clips, counts, strided=strided)
    x = torch.randn(2, 3, clips, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([x[:, :, i : j + 1].amax(2) for i, j in grid.cells.tolist()], 1)
    torch.testing.assert_close(max_pooled(x, grid), expected, rtol=0, atol=0)
    assert grid.cells.tolist() == grid.mask.nonzero().tolist()
    spread = grid.spread(expected)
    assert (spread[:, ~grid.mask] == 0).all()
    torch.testing.assert_close(grid.pick(spread), expected, rtol=0, atol=0)


def test_a_map_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="no moments of 17 clips"):
        MomentGrid(16, (16,))


def test_upper_convolution_is_right_where_it_says() -> None:
    torch.manual_seed(0)
    conv, x = torch.nn.Conv2d(3, 5, 3, padding=1), torch.randn(1, 3, 40, 40)
    wanted = torch.ones(40, 40).triu(-2) > 0
    torch.testing.assert_close(upper_conv(x, conv, 1, 2)[:, :, wanted], conv(x)[:, :, wanted], atol=1e-6, rtol=1e-5)


def test_iou_targets_by_hand() -> None:
    cells = torch.tensor([[0, 0], [1, 2], [0, 3]])
    iou = moment_iou(cells, 4, torch.tensor([[2.0, 6.0]]), torch.tensor([8.0]))
    torch.testing.assert_close(iou, torch.tensor([[0.0, 1.0, 0.5]]))
    off_by_one = moment_iou(cells, 4, torch.tensor([[2.0, 6.0]]), torch.tensor([8.0]), closed=False)
    torch.testing.assert_close(off_by_one, torch.tensor([[0.0, 0.5, 4 / 6]]))
    torch.testing.assert_close(scaled_iou(iou, 0.5, 1.0), torch.tensor([[0.0, 1.0, 0.0]]))
    torch.testing.assert_close(scaled_iou(torch.tensor([0.4]), 0.3, 0.7, 0.1), torch.tensor([0.325]))


def test_loss_is_least_at_its_target() -> None:
    iou = torch.tensor([[0.2, 0.6, 0.9]])
    best = torch.logit(scaled_iou(iou, 0.5, 1.0).clamp(1e-6, 1 - 1e-6)).requires_grad_()
    map_loss(best, iou, 0.5, 1.0).backward()
    assert best.grad is not None
    assert best.grad.abs().max() < 1e-5


@pytest.mark.parametrize("rows", [1, 5, 16, 37, 100])
def test_resamplers_read_valid_rows_alone(rows: int) -> None:
    video = torch.randn(2, 100, 3, generator=torch.Generator().manual_seed(rows))
    counts = torch.tensor([rows, 100])
    valid = video[0, :rows]
    line = F.interpolate(valid.t()[None], size=16, mode="linear")[0].t()
    torch.testing.assert_close(stretch_linear(video, counts, 16)[0], line, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(stretch_max(video, counts, 16)[0], F.adaptive_max_pool1d(valid.t(), 16).t())
    found = stretch_mean(video, counts, 16)[0]
    assert (found >= valid.amin(0) - 1e-6).all() and (found <= valid.amax(0) + 1e-6).all()
    if rows >= 16:
        for official in (False, True):
            found = stretch_mean(video, counts, 16, official=official)[0]
            pooled = pool_clips(valid.numpy(), 16, official=official)
            torch.testing.assert_close(found.numpy(), pooled, atol=1e-6, rtol=1e-5)
    else:
        bounds = np.minimum(np.round(np.arange(16) / 16 * rows).astype(int), rows - 1)
        torch.testing.assert_close(found, valid[bounds], rtol=0, atol=0)


def test_mean_of_few_and_of_many_padded_rows_agree() -> None:
    """Whether a batch is padded beyond the grid must not matter."""
    rows = torch.randn(1, 9, 4)
    padded = F.pad(rows, (0, 0, 0, 60))
    count = torch.tensor([9])
    torch.testing.assert_close(stretch_mean(rows, count, 16), stretch_mean(padded, count, 16))

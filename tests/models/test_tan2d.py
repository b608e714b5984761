"""2D-TAN: what is its own beyond the map models' contract."""

import pytest
import torch
import torch.nn.functional as F

from baselines.tan2d import ConvProposals, MapConv
from emtm.layers.map.moment_map import MomentGrid
from emtm.layers.nms import span_iou

from .helpers import ragged_batch
from .maps import small_map_model


def test_the_last_of_equal_scores_wins_in_official_mode_alone() -> None:
    batch = ragged_batch([32], [4])
    found = {}
    for official in (False, True):
        model = small_map_model("tan2d", official=official)
        with torch.no_grad():
            model.score.weight.zero_()
            found[official] = model.moments(model(batch), torch.tensor([16.0]))[0, 0].tolist()[:2]
    assert found == {False: [0.0, 1.0], True: [15.0, 16.0]}


def test_loss_is_the_cross_entropy_with_scaled_ious() -> None:
    model, batch = small_map_model("tan2d", min_iou=0.3, max_iou=0.7), ragged_batch([20, 7], [9, 3])
    output = model(batch)
    spans = model.grid.spans() * batch.duration_s.view(-1, 1, 1)
    target = ((span_iou(spans, batch.truth().moment_s.unsqueeze(1)) - 0.3) / 0.4).clamp(0, 1)
    p = torch.sigmoid(output.logits)
    expected = -(target * p.log() + (1 - target) * (1 - p).log()).mean()
    torch.testing.assert_close(model.loss(output, batch).total, expected)


def test_feature_scale_does_not_matter_unless_asked_for() -> None:
    batch = ragged_batch([20], [5])
    for normalised in (True, False):
        model = small_map_model("tan2d", normalize_features=normalised)
        with torch.no_grad():
            one = model.encode_video(batch.video, batch.video_mask)[0]
            other = model.encode_video(3.0 * batch.video, batch.video_mask)[0]
        assert torch.allclose(one, other, atol=1e-5) == normalised


@pytest.mark.parametrize(("clips", "counts"), [(8, (7,)), (16, (3, 2, 2))])
def test_learned_proposals_with_summing_weights_are_sums(clips: int, counts: tuple[int, ...]) -> None:
    """Two-wide sums of sums weigh a moment's clips binomially; a constant signal shows the count."""
    grid = MomentGrid(clips, counts)
    layer = ConvProposals(1, grid)
    for conv in layer.convs:
        torch.nn.init.ones_(conv.weight)
        torch.nn.init.zeros_(conv.bias)
    out = layer(torch.ones(1, 1, clips), grid)[0, :, 0]
    reached, product = {0: 1.0}, 1.0
    for before, after in zip(grid.diagonals[:-1], grid.diagonals[1:], strict=True):
        product *= (after.offset - before.offset) // before.stride + 1
        reached[after.offset] = product
    expected = [reached[j - i] for i, j in grid.cells.tolist()]
    torch.testing.assert_close(out, torch.tensor(expected))


def published_stack(x: torch.Tensor, mask: torch.Tensor, layer: MapConv) -> torch.Tensor:
    """2D-TAN's definition: all padding first, each output over the number of valid cells below it."""
    held = mask.float()[None, None]
    for index, conv in enumerate(layer.convs):
        kernel = conv.kernel_size[0]
        padding = len(layer.convs) * (kernel // 2) if index == 0 else 0
        x = F.relu(F.conv2d(x, conv.weight, conv.bias, padding=padding))
        count = F.conv2d(held, torch.ones(1, 1, kernel, kernel), padding=padding).round()
        weight = torch.where(count > 0, 1 / count, 0.0)
        x, held = x * weight, (weight > 0).float()
    return x


@pytest.mark.parametrize(
    ("clips", "counts", "kernel", "layers"), [(16, (15,), 5, 4), (40, (15, 8), 3, 3), (20, (3,), 9, 1)]
)
@pytest.mark.parametrize("official", [False, True])
def test_map_convolution(clips: int, counts: tuple[int, ...], kernel: int, layers: int, official: bool) -> None:
    torch.manual_seed(0)
    grid = MomentGrid(clips, counts)
    layer = MapConv(4, kernel, layers, grid.mask, official=official)
    x = torch.randn(2, 4, clips, clips) * grid.mask
    found, expected = layer(x), published_stack(x, grid.mask, layer)
    assert found.shape == expected.shape
    torch.testing.assert_close(found[:, :, grid.mask], expected[:, :, grid.mask], atol=1e-6, rtol=1e-5)

"""2D-TAN: what is its own beyond the map models' contract."""

import torch

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
    assert batch.targets is not None
    spans = model.grid.spans() * batch.duration_s.view(-1, 1, 1)
    target = ((span_iou(spans, batch.targets.moment_s.unsqueeze(1)) - 0.3) / 0.4).clamp(0, 1)
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

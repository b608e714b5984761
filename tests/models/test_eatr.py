import pytest
import torch
from torch import Tensor

from baselines.eatr import masked_max, pseudo_events

from .helpers import ragged_batch
from .test_detr_family import alone, small_detr


def scenes(*lengths: int, padded_to: int = 0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """One video of scenes whose clips are alike within and unlike between, and its mask."""
    codes = torch.eye(len(lengths), 8)
    video = torch.cat([code.expand(length, -1) for code, length in zip(codes, lengths, strict=True)])
    video = video + 0.01 * torch.rand(video.shape, generator=torch.Generator().manual_seed(seed))
    total = max(padded_to, len(video))
    padded = torch.zeros(1, total, 8)
    padded[0, : len(video)] = video
    return padded, torch.arange(total)[None] < len(video)


def spans_of(video: Tensor, mask: Tensor, row: int = 0, *, official: bool = False) -> Tensor:
    events = pseudo_events(video, mask, official=official)
    return events.spans[row][events.present[row]]


def test_events_are_the_scenes_of_the_video() -> None:
    video, mask = scenes(8, 5, 7)
    found = spans_of(video, mask) * 20
    # A change between two clips is seen at either of them.
    torch.testing.assert_close(found, torch.tensor([[0.0, 8.0], [8.0, 13.0], [13.0, 20.0]]), atol=1.01, rtol=0)
    assert found[0, 0] == 0
    assert found[-1, 1] == 20
    torch.testing.assert_close(found[1:, 0], found[:-1, 1])


def test_events_do_not_depend_on_padding() -> None:
    expected = spans_of(*scenes(8, 5, 7))
    torch.testing.assert_close(spans_of(*scenes(8, 5, 7, padded_to=31)), expected)


@pytest.mark.parametrize("clips", [1, 2, 3])
def test_events_of_short_videos(clips: int) -> None:
    video, mask = scenes(clips, padded_to=6)
    found = spans_of(video, mask)
    assert found.tolist() == ([[0.0, 1.0]] if clips > 1 else [])


def test_official_first_event_goes_back_from_the_batch_mates_last_boundary() -> None:
    first, mask = scenes(6, 6)
    second, _ = scenes(4, 8, seed=1)
    videos, masks = torch.cat([first, second]), mask.expand(2, -1)
    found = spans_of(videos, masks, 1, official=True) * 12
    assert found[0].tolist() == [11.0, 0.0]
    assert found[-1, 1] == 11.0


def test_events_teach_the_slots() -> None:
    model, batch = small_detr("eatr"), ragged_batch([16, 9], [5, 4])
    model.prepare_training(0)
    losses = model.train().loss(model(batch), batch)
    assert {"saliency", "event_span", "event_giou"} <= set(losses.terms)
    untaught = small_detr("eatr", pseudo_events=False)
    untaught.prepare_training(0)
    assert set(untaught.train().loss(untaught(batch), batch).terms) == {"span", "giou", "label", "saliency"}


def test_pseudo_events_are_cut_in_training_and_officially_alone() -> None:
    batch = ragged_batch([16, 9], [5, 4])
    with torch.no_grad():
        assert small_detr("eatr").encode_video(batch.video, batch.video_mask).events is None
        official = small_detr("eatr", official=True)
        assert official.encode_video(batch.video, batch.video_mask).events is not None
        quiet = small_detr("eatr", official=True, pseudo_events=False)
        assert quiet.encode_video(batch.video, batch.video_mask).events is None


def test_official_slots_and_sentence_read_padding() -> None:
    """The published behaviour that the default mends: without it the option would mean nothing."""
    model, batch = small_detr("eatr", official=True), ragged_batch([20, 7], [9, 3])
    with torch.no_grad():
        together, single = model(batch), alone(model, batch, 1)
    assert (together.spans[-1, 1] - single.spans[-1, 0]).abs().max() > 1e-4


def test_official_and_default_agree_without_padding() -> None:
    official, default = small_detr("eatr", official=True), small_detr("eatr")
    default.load_state_dict({k: v for k, v in official.state_dict().items() if k in default.state_dict()})
    batch = ragged_batch([12, 12], [6, 6])
    with torch.no_grad():
        torch.testing.assert_close(official(batch).spans[-1:], default(batch).spans)


def test_slots_are_cached_with_the_video() -> None:
    model, batch = small_detr("eatr"), ragged_batch([12], [6])
    with torch.no_grad():
        assert model.encode_video(batch.video, batch.video_mask).slots.shape == (1, 10, 16)


def test_masked_max_ignores_padding() -> None:
    x = torch.tensor([[[1.0], [5.0]], [[-2.0], [9.0]]])
    assert masked_max(x, torch.tensor([[True, True], [True, False]])).flatten().tolist() == [5.0, -2.0]

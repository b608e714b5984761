"""What the contract promises, for every model."""

import pytest
import torch

from emtm.contract import STAGES
from emtm.registry import model_class, model_names

from .helpers import NAMES, ragged_batch, small_model

CLIPS, WORDS = [20, 7, 13, 1], [9, 3, 6, 1]


@pytest.mark.parametrize("name", NAMES)
def test_prediction_does_not_depend_on_batch_mates(name: str) -> None:
    model = small_model(name)
    batch = ragged_batch(CLIPS, WORDS)
    with torch.no_grad():
        together = model.span_distribution(model(batch))
        for i, (clips, words) in enumerate(zip(CLIPS, WORDS, strict=True)):
            row = slice(i, i + 1)
            # Alone, and without any padding but the four characters a word must have.
            width = max(4, int((batch.char_ids[i] > 0).sum(-1).max()))
            video = model.encode_video(batch.video[row, :clips], batch.video_mask[row, :clips])
            query = model.encode_query(batch.word_ids[row, :words], batch.char_ids[row, :words, :width])
            alone = model.span_distribution(model.ground(video, query))
            torch.testing.assert_close(together[i, :, :clips], alone[0], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_official_mode_leaks_padding(name: str) -> None:
    """The published behaviour that the default mends: without it the option would mean nothing."""
    model = small_model(name, official=True)
    batch = ragged_batch([20, 7], [9, 3])
    with torch.no_grad():
        together = model.span_distribution(model(batch))[1, :, :7]
        video = model.encode_video(batch.video[1:, :7], batch.video_mask[1:, :7])
        alone = model.span_distribution(
            model.ground(video, model.encode_query(batch.word_ids[1:, :3], batch.char_ids[1:, :3]))
        )
    assert (together - alone[0]).abs().max() > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_official_and_default_agree_without_padding(name: str) -> None:
    """Masking changes nothing when there is nothing to mask."""
    clips, words = [16, 16], [6, 6]
    batch = ragged_batch(clips, words, chars=6)
    filled = torch.randint(1, 16, batch.char_ids.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        results = []
        for official in (False, True):
            model = small_model(name, official=official)
            video = model.encode_video(batch.video, batch.video_mask)
            results.append(model.span_distribution(model.ground(video, model.encode_query(batch.word_ids, filled))))
    torch.testing.assert_close(results[0], results[1], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_span_distribution_is_a_distribution_over_valid_clips(name: str) -> None:
    model, batch = small_model(name), ragged_batch(CLIPS, WORDS)
    with torch.no_grad():
        spans = model.span_distribution(model(batch))
    assert spans.shape == (4, 2, 20)
    torch.testing.assert_close(spans.sum(2), torch.ones(4, 2))
    assert (spans >= 0).all()
    assert (spans.transpose(1, 2)[~batch.video_mask] == 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("top_k", [1, 5])
def test_moments_lie_in_the_video_best_first(name: str, top_k: int) -> None:
    model, batch = small_model(name), ragged_batch([20, 7, 13], [9, 3, 6])
    with torch.no_grad():
        moments = model.moments(model(batch), batch.duration_s, top_k)
    assert moments.shape == (3, top_k, 3)
    start, end, score = moments.unbind(2)
    assert (start >= 0).all()
    assert (end > start).all()
    assert (end <= batch.duration_s[:, None] + 1e-4).all()
    assert (score.diff(dim=1) <= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_loss_reaches_every_trainable_parameter(name: str) -> None:
    model, batch = small_model(name).train(), ragged_batch(CLIPS, WORDS)
    losses = model.loss(model(batch), batch)
    losses.total.backward()
    assert losses.total.isfinite()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("name", NAMES)
def test_loss_needs_targets(name: str) -> None:
    from dataclasses import replace

    model, batch = small_model(name), replace(ragged_batch(CLIPS, WORDS), targets=None)
    with pytest.raises(ValueError, match="no targets"):
        model.loss(model(batch), batch)


NEVER_CONFIGURED = {"cca": {"charades-sta"}, "cpl": {"tacos"}}
"""Benchmarks that the published code of a model has no configuration for."""


@pytest.mark.parametrize("name", model_names())
def test_every_model_names_its_origin_presets_and_stages(name: str) -> None:
    kind = model_class(name)
    assert kind.name == name
    assert "compact" in kind.presets
    assert {"charades-sta", "activitynet-captions", "tacos"} - set(kind.presets) == NEVER_CONFIGURED.get(name, set())
    assert set(kind.stages.values()) <= set(STAGES)
    assert kind.info.reference_code
    assert kind.info.paper

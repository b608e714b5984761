"""What holds for every model that predicts a set of spans."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from emtm.data.batch import Batch
from emtm.data.text import Lexicon
from emtm.registry import AnyModel, model_class

from .helpers import SMALL, ragged_batch

NAMES = ("moment-detr", "qd-detr", "eatr")
CLIPS, WORDS = [20, 7, 13, 1], [9, 3, 6, 1]


def small_detr(name: str, seed: int = 0, **changes: Any) -> AnyModel:
    torch.manual_seed(seed)
    kind = model_class(name)
    settings = {**SMALL, "feed_forward": 24, "dropout": 0.0, "input_dropout": 0.0, **changes}
    model = kind(kind.config_class(**settings), Lexicon(torch.randn(30, 12), 16))
    for parameter in model.parameters():
        # Fresh biases and last layers are zero and could hide a leak.
        nn.init.normal_(parameter, std=0.3)
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            nn.init.normal_(module.weight, 1.0, 0.3)
    return model.eval()


def alone(model: AnyModel, batch: Batch, index: int) -> Any:
    row, clips, words = slice(index, index + 1), int(batch.num_clips[index]), int(batch.query_mask[index].sum())
    video = model.encode_video(batch.video[row, :clips], batch.video_mask[row, :clips])
    return model.ground(video, model.encode_query(batch.word_ids[row, :words], batch.char_ids[row, :words]))


@pytest.mark.parametrize("name", NAMES)
def test_prediction_does_not_depend_on_batch_mates(name: str) -> None:
    model, batch = small_detr(name), ragged_batch(CLIPS, WORDS)
    with torch.no_grad():
        output = model(batch)
        together = model.span_distribution(output)
        for i, clips in enumerate(CLIPS):
            single = alone(model, batch, i)
            torch.testing.assert_close(single.spans[:, 0], output.spans[:, i], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(single.logits[:, 0], output.logits[:, i], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(model.span_distribution(single)[0], together[i, :, :clips], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_prediction_reads_video_words_and_order(name: str) -> None:
    model, batch = small_detr(name), ragged_batch([12, 12], [6, 6])
    with torch.no_grad():
        video, query = (
            model.encode_video(batch.video, batch.video_mask),
            model.encode_query(batch.word_ids, batch.char_ids),
        )
        expected = model.ground(video, query).spans
        reversed_video = model.encode_video(batch.video.flip(1), batch.video_mask)
        other_words = model.encode_query(batch.word_ids.flip(0), batch.char_ids)
        assert (model.ground(reversed_video, query).spans - expected).abs().max() > 1e-4
        assert (model.ground(video, other_words).spans - expected).abs().max() > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_inference_is_deterministic_and_without_branches(name: str) -> None:
    model, batch = small_detr(name, dropout=0.5, input_dropout=0.5), ragged_batch(CLIPS, WORDS)
    model.prepare_training(0)
    with torch.no_grad():
        first, second = model.eval()(batch), model(batch)
    assert torch.equal(first.spans, second.spans)
    assert first.saliency is None
    assert len(first.logits) == 1
    assert not any(name.startswith("branch.") for name in model.inference_state())
    fresh = model_class(name)(model.config, Lexicon(torch.zeros(30, 12), 16)).eval()
    fresh.load_state_dict(model.inference_state())
    with torch.no_grad():
        assert torch.equal(fresh(batch).spans, first.spans)


@pytest.mark.parametrize("name", NAMES)
def test_training_predicts_with_every_decoder_layer_and_ends_as_inference_does(name: str) -> None:
    model, batch = small_detr(name, decoder_layers=3), ragged_batch(CLIPS, WORDS)
    model.prepare_training(0)
    with torch.no_grad():
        trained, inferred = model.train()(batch), model.eval()(batch)
    assert len(trained.spans) == 3
    torch.testing.assert_close(trained.spans[-1:], inferred.spans)
    torch.testing.assert_close(trained.logits[-1:], inferred.logits)


@pytest.mark.parametrize("name", NAMES)
def test_span_distribution_is_a_distribution_over_valid_clips(name: str) -> None:
    model, batch = small_detr(name), ragged_batch(CLIPS, WORDS)
    with torch.no_grad():
        spans = model.span_distribution(model(batch))
    assert spans.shape == (4, 2, 20)
    torch.testing.assert_close(spans.sum(2), torch.ones(4, 2))
    assert (spans.transpose(1, 2)[~batch.video_mask] == 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("top_k", [1, 4, 9])
def test_moments_are_the_best_spans_first_and_the_last_repeated(name: str, top_k: int) -> None:
    model, batch = small_detr(name, num_queries=6), ragged_batch([20, 7, 13], [9, 3, 6])
    with torch.no_grad():
        output = model(batch)
        moments = model.moments(output, batch.duration_s, top_k)
    assert moments.shape == (3, top_k, 3)
    start, end, score = moments.unbind(2)
    assert (start >= 0).all()
    assert (end > start).all()
    assert (end <= batch.duration_s[:, None] + 1e-4).all()
    assert (score.diff(dim=1) <= 0).all()
    assert torch.equal(score[:, 0], output.logits[-1].softmax(2)[..., 0].amax(1))
    if top_k > 6:
        assert torch.equal(moments[:, 5], moments[:, 8])


@pytest.mark.parametrize("name", NAMES)
def test_official_moments_lie_on_whole_clips(name: str) -> None:
    model, batch = small_detr(name, official=True), ragged_batch([20, 7], [9, 3])
    with torch.no_grad():
        times = model.moments(model(batch), batch.duration_s, 3)[..., :2]
    # Clips of a ragged batch last a second.
    torch.testing.assert_close(times, times.round(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_loss_reaches_every_trainable_parameter(name: str) -> None:
    model, batch = small_detr(name), ragged_batch(CLIPS, WORDS)
    model.prepare_training(0)
    losses = model.train().loss(model(batch), batch)
    losses.total.backward()
    assert losses.total.isfinite()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    untouched = [n for n, p in model.named_parameters() if not p.grad.any()]
    # A softmax does not change when all its logits move alike, and learned queries begin as zeros.
    first = ("decoder.0.self_attention", "decoder.layers.0.self_")
    assert [n for n in untouched if not n.endswith(("key.bias", "position.bias")) and not n.startswith(first)] == []


@pytest.mark.parametrize("name", NAMES)
def test_loss_is_the_weighted_sum_of_its_terms(name: str) -> None:
    model, batch = small_detr(name, decoder_layers=1, saliency_weight=0.0), ragged_batch(CLIPS[:3], WORDS[:3])
    losses = model.train().loss(model(batch), batch)
    terms = losses.terms
    assert set(terms) == {"span", "giou", "label"}
    expected = 10 * terms["span"] + terms["giou"] + 4 * terms["label"]
    torch.testing.assert_close(losses.total, expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_few_steps_lower_the_loss_of_a_batch(name: str) -> None:
    model, batch = small_detr(name), ragged_batch([16, 12, 14, 9], [5, 4, 6, 3])
    model.prepare_training(0)
    optimizer = torch.optim.AdamW(model.train().parameters(), 3e-3)
    totals: list[Tensor] = []
    for _ in range(40):
        total = model.loss(model(batch), batch).total
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.detach())
    assert totals[-1] < 0.6 * totals[0]


@pytest.mark.parametrize("name", NAMES)
def test_loss_needs_targets(name: str) -> None:
    from dataclasses import replace

    model, batch = small_detr(name), replace(ragged_batch(CLIPS, WORDS), targets=None)
    with pytest.raises(ValueError, match="no targets"):
        model.loss(model(batch), batch)


@pytest.mark.parametrize("name", NAMES)
def test_features_that_carry_places_get_no_others(name: str) -> None:
    """The rule of lighthouse appends the places itself; the model then takes its features as they are."""
    appended = small_detr(name)
    given = small_detr(name, resampling="lighthouse", feature_dim=22)
    batch = ragged_batch([20, 7], [9, 3])
    prepared = appended.clip_inputs(batch.video, batch.video_mask)
    assert prepared.shape[2] == 22
    torch.testing.assert_close(prepared[0, 5, 20:], torch.tensor([0.25, 0.3]))
    torch.testing.assert_close(prepared[1, 3, :20].norm(), torch.tensor(1.0))
    with torch.no_grad():
        query = appended.encode_query(batch.word_ids, batch.char_ids)
        expected = appended.ground(appended.encode_video(batch.video, batch.video_mask), query)
        found = given.ground(given.encode_video(prepared, batch.video_mask), query)
    torch.testing.assert_close(found.spans, expected.spans)


@pytest.mark.parametrize("name", NAMES)
def test_sizes_that_do_not_fit_are_refused(name: str) -> None:
    kind = model_class(name)
    with pytest.raises(ValueError, match="multiple of 4"):
        kind.config_class(**{**SMALL, "dim": 18, "heads": 2})

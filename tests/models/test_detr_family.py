"""What holds for every model that predicts a set of spans."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.data.text import Lexicon
from emtm.layers.detr.model import DETRModel
from emtm.registry import model_class, model_names

from .helpers import SMALL, ragged_batch

NAMES = [name for name in model_names() if issubclass(model_class(name), DETRModel)]
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
def test_inference_predicts_once(name: str) -> None:
    model, batch = small_detr(name), ragged_batch(CLIPS, WORDS)
    model.prepare_training(0)
    output = model.eval()(batch)
    assert output.saliency is None
    assert len(output.logits) == 1


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
@pytest.mark.parametrize("top_k", [1, 4, 9])
def test_moments_are_the_best_spans_first_and_the_last_repeated(name: str, top_k: int) -> None:
    model, batch = small_detr(name, num_queries=6), ragged_batch([20, 7, 13], [9, 3, 6])
    with torch.no_grad():
        output = model(batch)
        moments = model.moments(output, batch.duration_s, top_k)
    assert torch.equal(moments[:, 0, 2], output.logits[-1].softmax(2)[..., 0].amax(1))
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

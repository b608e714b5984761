import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.qd_detr import ranking_loss

from .helpers import ragged_batch
from .test_detr_family import small_detr


def test_ranking_loss_by_hand() -> None:
    scores, mask = torch.tensor([[0.5, 1.0, 9.0]]), torch.tensor([[True, True, False]])
    inside = torch.tensor([[False, True, False]])
    wrong = torch.tensor([[0.25, 0.0, 9.0]])
    terms = [math.exp(2 * x) for x in (0.5, 1.0)]
    assert ranking_loss(scores, None, inside, mask).item() == pytest.approx(-math.log(terms[1] / sum(terms)), abs=1e-6)
    everything = sum(terms) + math.exp(0.5) + 1.0
    assert ranking_loss(scores, wrong, inside, mask).item() == pytest.approx(-math.log(terms[1] / everything), abs=1e-6)


def test_wrong_query_is_the_next_of_the_batch() -> None:
    model, batch = small_detr("qd-detr"), ragged_batch([12, 12, 12], [6, 6, 6])
    model.prepare_training(0)
    nn.init.normal_(model.branch["clips"].weight, std=0.3)
    with torch.no_grad():
        output = model.train()(batch)
        video = model.encode_video(batch.video, batch.video_mask)
        rolled = model.encode_query(batch.word_ids[[1, 2, 0]], batch.char_ids)
        expected = model.ground(video, rolled).saliency
    torch.testing.assert_close(output.wrong_saliency, expected)
    assert (output.saliency - output.wrong_saliency).abs().max() > 1e-4


def test_a_batch_of_one_has_no_wrong_query() -> None:
    model, batch = small_detr("qd-detr"), ragged_batch([12], [6])
    model.prepare_training(0)
    output = model.train()(batch)
    assert output.wrong_saliency is None
    assert set(model.loss(output, batch).terms) == {"span", "giou", "label", "saliency", "rank"}


def test_loss_of_the_wrong_query_falls_with_its_saliency() -> None:
    model, batch = small_detr("qd-detr"), ragged_batch([12, 5], [6, 4])
    model.prepare_training(0)
    output = model.train()(batch)
    found: Tensor = model.loss(output, batch).terms["wrong"]
    scores = output.wrong_saliency
    expected = (F.softplus(scores[0]).sum() + F.softplus(scores[1, :5]).sum()) / 2
    torch.testing.assert_close(found, expected)


def test_words_come_in_through_the_clips_alone() -> None:
    """With the cross-attention's output shut, no word reaches the prediction."""
    model, batch = small_detr("qd-detr"), ragged_batch([12, 12], [6, 6])
    for layer in model.text_encoder:
        nn.init.zeros_(layer.attention.out.weight)
    with torch.no_grad():
        video = model.encode_video(batch.video, batch.video_mask)
        a = model.ground(video, model.encode_query(batch.word_ids, batch.char_ids))
        b = model.ground(video, model.encode_query(batch.word_ids.flip(0), batch.char_ids))
    assert torch.equal(a.spans, b.spans)


def test_official_runs_the_second_pass_without_changing_predictions() -> None:
    official, default = small_detr("qd-detr", official=True), small_detr("qd-detr")
    default.load_state_dict({k: v for k, v in official.state_dict().items() if k in default.state_dict()})
    batch = ragged_batch([20, 7], [9, 3])
    with torch.no_grad():
        output = official(batch)
        torch.testing.assert_close(output.spans[-1:], default(batch).spans)
    assert output.wrong_saliency is not None

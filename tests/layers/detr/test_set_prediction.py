import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from emtm.layers.detr.set_prediction import (
    assign,
    generalized_iou,
    inside_moment,
    label_loss,
    saliency_margin_loss,
    span_losses,
    to_boundaries,
    to_centres,
)
from tests.models.helpers import ragged_batch


def test_spans_to_and_fro() -> None:
    spans = torch.tensor([[0.0, 1.0], [0.2, 0.4]])
    torch.testing.assert_close(to_centres(spans), torch.tensor([[0.5, 1.0], [0.3, 0.2]]))
    torch.testing.assert_close(to_boundaries(to_centres(spans)), spans)


def test_generalized_iou() -> None:
    a, b = torch.tensor([[[0.0, 0.2]], [[0.5, 1.0]]]), torch.tensor([[0.0, 0.3], [0.0, 1.0]])
    torch.testing.assert_close(generalized_iou(a, b), torch.tensor([[2 / 3, 0.2], [-0.2, 0.5]]))
    empty = torch.tensor([0.3, 0.3])
    assert generalized_iou(empty, empty) == 0


def cost(span: Tensor, target: Tensor, logits: Tensor) -> float:
    distance = (span - target).abs().sum()
    overlap = generalized_iou(to_boundaries(span), to_boundaries(target))
    return float(10 * distance - overlap - 4 * logits.softmax(0)[0])


@pytest.mark.parametrize("seed", range(4))
def test_assignment_is_the_cheapest(seed: int) -> None:
    torch.manual_seed(seed)
    spans, targets, logits = torch.rand(3, 4, 2), torch.rand(3, 3, 2), torch.randn(3, 4, 2)
    present = torch.tensor([[True, True, True], [False, True, True], [False, False, False]])
    sample, query, target = assign(spans, targets, present, logits)
    for row in range(3):
        wanted = present[row].nonzero().flatten().tolist()
        cheapest = min(
            itertools.permutations(range(4), len(wanted)),
            key=lambda chosen: sum(
                cost(spans[row, q], targets[row, t], logits[row, q]) for q, t in zip(chosen, wanted, strict=True)
            ),
        )
        mine = sample == row
        found = dict(zip(target[mine].tolist(), query[mine].tolist(), strict=True))
        assert found == dict(zip(wanted, cheapest, strict=True))


def test_more_targets_than_queries() -> None:
    targets = torch.tensor([[[0.1, 0.1], [0.5, 0.2], [0.9, 0.1]]])
    sample, query, target = assign(torch.tensor([[[0.52, 0.2]]]), targets, torch.ones(1, 3, dtype=torch.bool))
    assert (sample.tolist(), query.tolist(), target.tolist()) == ([0], [0], [1])


def test_a_diverged_prediction_is_no_error_of_the_assignment() -> None:
    nan = torch.full((1, 2, 2), torch.nan)
    assert len(assign(nan, torch.rand(1, 1, 2), torch.ones(1, 1, dtype=torch.bool), nan)[0]) == 1


def test_span_losses() -> None:
    spans, targets = torch.tensor([[[0.5, 0.4], [0.1, 0.2]]]), torch.tensor([[[0.5, 0.2]]])
    matched = (torch.tensor([0]), torch.tensor([0]), torch.tensor([0]))
    span, giou = span_losses(spans, targets, matched)
    assert span.item() == pytest.approx(0.1)
    assert giou.item() == pytest.approx(0.5)
    none = torch.zeros(0, dtype=torch.long)
    assert [float(x) for x in span_losses(spans, targets, (none, none, none))] == [0.0, 0.0]


def test_label_loss_weighs_the_background_a_tenth() -> None:
    logits = torch.tensor([[[1.0, 0.0], [2.0, 0.0], [0.0, 0.0]]])
    loss = label_loss(logits, (torch.tensor([0]), torch.tensor([1])))
    right = math.log(1 + math.exp(-2.0))
    wrong = math.log(1 + math.exp(1.0)) + math.log(2.0)
    assert loss.item() == pytest.approx((right + 0.1 * wrong) / 3)


def test_inside_moment() -> None:
    batch = ragged_batch([8, 4], [3, 3])
    assert inside_moment(batch).int().tolist() == [[0, 0, 1, 1, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0, 0, 0]]


def test_saliency_loss_is_the_mean_of_the_published_draw() -> None:
    scores = torch.tensor([[0.1, 0.5, -0.3, 0.4, 99.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    mask = torch.tensor([[True] * 4 + [False], [True] * 5])
    inside = torch.tensor([[False, True, True, False, False], [True] * 5])
    values = scores[0].numpy()
    hinges = [max(0.2 + values[out] - values[into], 0.0) for into in (1, 2) for out in (0, 3)]
    expected = (2 * np.mean(hinges) + 0.0) / 2
    assert saliency_margin_loss(scores, inside, mask).item() == pytest.approx(expected, abs=1e-6)

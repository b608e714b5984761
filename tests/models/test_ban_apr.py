"""BAN-APR: targets by hand, losses in closed form, and what exists in training alone."""

import math

import pytest
import torch
import torch.nn.functional as F

from baselines.ban_apr.edge_conv import EdgeConv
from baselines.ban_apr.losses import contrast_loss, temporal_difference, temporal_difference_loss
from baselines.ban_apr.model import BANAPRConfig
from baselines.ban_apr.proposal_sampling import sample_proposals
from emtm.data.boundary_labels import boundary_clips, boundary_distribution, contrast_masks

from .helpers import ragged_batch
from .maps import small_map_model


def test_training_branch_neither_runs_nor_counts_at_inference() -> None:
    model, batch = small_map_model("ban-apr"), ragged_batch([20, 7], [9, 3])
    small = sum(p.numel() for p in model.parameters())
    before = model.span_distribution(model(batch))
    model.prepare_training(0)
    assert sum(p.numel() for p in model.parameters()) > small
    assert model(batch).training is None
    torch.testing.assert_close(model.span_distribution(model(batch)), before)
    assert not any(name.startswith("branch") for name in model.inference_state())
    terms = model.loss(model.train()(batch), batch).terms
    assert set(terms) == {"map", "refine", "difference", "contrast", "offset"}


def test_total_is_the_weighted_sum() -> None:
    model, batch = small_map_model("ban-apr", official=True), ragged_batch([20, 7], [9, 3])
    losses = model.loss(model(batch), batch)
    weights = {"map": 2.0, "difference": 0.2, "refine": 3.0, "contrast": 0.2, "offset": 3.0}
    expected = sum(weight * losses.terms[name] for name, weight in weights.items())
    torch.testing.assert_close(losses.total, torch.as_tensor(expected))


def test_proposals_are_distinct_candidates() -> None:
    model, batch = small_map_model("ban-apr"), ragged_batch([20, 7, 1], [9, 3, 1])
    assert isinstance(model.config, BANAPRConfig)
    for row in model(batch).proposals.tolist():
        assert len(set(row)) == model.config.num_proposals
        assert max(row) < model.grid.num_cells


def test_boundaries_by_hand() -> None:
    duration = torch.tensor([10.0, 10.0, 10.0])
    moment = torch.tensor([[2.1, 5.9], [0.0, 10.0], [10.0, 10.0]])
    clips = boundary_clips(moment, duration, 10)
    assert clips.tolist() == [[2, 5], [0, 9], [9, 9]]
    weights = boundary_distribution(clips[:1], 10, 0.25, 0.8)[0, 0]
    # Width 0.25 * 4 clips: 1 at the start, exp(-1/2) beside it, exp(-2) = 0.1353 is kept, exp(-4.5) is not.
    expected = [math.exp(-2), math.exp(-0.5), 1.0, math.exp(-0.5), math.exp(-2), 0.0, 0.0, 0.0, 0.0, 0.0]
    torch.testing.assert_close(weights, torch.tensor(expected))
    assert boundary_distribution(clips[:1], 10, 0.5, 0.8)[0, 0, 1:4].tolist() == [1.0, 1.0, 1.0]


def test_contrasts_by_hand() -> None:
    cells = torch.tensor([[0, 0], [0, 3], [1, 2], [2, 2], [3, 3], [0, 1]])
    masks = contrast_masks(cells, torch.tensor([[1.0, 3.0]]), torch.tensor([4.0]), 4)[0]
    assert masks[0].tolist() == [False, True, True, False, False, False]
    assert masks[1].tolist() == [True, False, False, False, True, False]
    whole = contrast_masks(cells, torch.tensor([[0.0, 4.0]]), torch.tensor([4.0]), 4)[0]
    assert whole[1].tolist() == [True, False, False, False, True, False]


def test_temporal_difference_by_hand() -> None:
    x = torch.tensor([[[0.0], [1.0], [3.0]]])
    difference = temporal_difference(x)
    assert difference.tolist() == [[1.0, 5.0, 4.0]]
    loss = temporal_difference_loss(difference, torch.tensor([[0.0, 1.0, 0.0]]))
    assert float(loss) == pytest.approx(math.log(math.exp(1 - 5) + 1 + math.exp(4 - 5)), rel=1e-5)


def test_contrast_in_closed_form() -> None:
    query = torch.tensor([[2.0, 0.0], [1.0, 0.0]])
    cells = torch.tensor([[[1.0, 0.0], [0.0, 3.0]], [[1.0, 0.0], [0.0, 1.0]]])
    positive = torch.tensor([[True, False], [True, False]])
    negative = torch.tensor([[False, True], [False, False]])
    # The second sample has nothing to push and is left out.
    loss = contrast_loss(query, cells, positive, negative)
    assert float(loss) == pytest.approx(-math.log(math.e / (math.e + 1)), rel=1e-5)
    assert float(contrast_loss(query[1:], cells[1:], positive[1:], negative[1:])) == 0.0


def test_training_labels_end_where_inference_does() -> None:
    """A moment of exactly the clips i to j is a perfect match; published labels give it less."""
    for official, perfect in ((False, True), (True, False)):
        model = small_map_model("ban-apr", official=official)
        batch = ragged_batch([16], [4])
        cell = model.grid.cells.tolist().index([4, 8])
        batch.truth().moment_s[0] = torch.tensor([4.0, 9.0])
        output = model(batch)
        logits = torch.full_like(output.map_logits, -30.0)
        logits[0, cell] = 30.0
        with_cell = type(output)(logits, output.proposals, output.logits, output.video_mask, None)
        near = model.loss(with_cell, batch).terms["map"]
        logits = logits.clone()
        logits[0, cell] = -30.0
        without = type(output)(logits, output.proposals, output.logits, output.video_mask, None)
        far = model.loss(without, batch).terms["map"]
        gain = float(far - near) * model.grid.num_cells / 30.0
        assert (gain == pytest.approx(1.0, abs=1e-3)) == perfect


def test_edge_convolution_equals_all_pairs() -> None:
    torch.manual_seed(0)
    layer, x = EdgeConv(6), torch.randn(2, 9, 6)
    weight, bias = layer.edge.weight, layer.edge.bias
    for i in range(9):
        pairs = torch.cat([x - x[:, i : i + 1], x[:, i : i + 1].expand_as(x)], 2)
        expected = F.relu(F.linear(pairs, weight, bias)).amax(1)
        torch.testing.assert_close(layer(x)[:, i], expected, atol=1e-6, rtol=1e-5)
    found = layer(x)
    layer.official = True
    torch.testing.assert_close(found, layer(x), atol=1e-6, rtol=1e-5)


def test_sampler_takes_peaks_then_neighbours_then_the_best_left() -> None:
    # Two clusters of moments around 0..4 and around 10..14, and two apart from both.
    spans = torch.tensor([[0, 4], [0, 5], [1, 4], [10, 14], [10, 15], [20, 21], [30, 31]])
    scores = torch.tensor([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]])
    # One peak with two neighbours: the whole first cluster.
    assert sample_proposals(spans, scores, 0.5, 1, 2).tolist() == [[0, 1, 2]]
    # Two peaks with two neighbours each; the second has one, and [20, 21] fills up, in front.
    assert sample_proposals(spans, scores, 0.5, 2, 2).tolist() == [[5, 0, 1, 2, 3, 4]]
    assert sample_proposals(spans, scores, 0.5, 1, 1, 1).tolist() == [[6, 0, 1]]


def test_sampler_falls_back_on_suppressed_moments() -> None:
    """Where published code fails: nothing is left that no peak suppresses."""
    spans = torch.tensor([[0, 10], [0, 11], [0, 12], [1, 12]])
    found = sample_proposals(spans, torch.tensor([[0.1, 0.2, 0.4, 0.3]]), 0.5, 2, 1)
    assert sorted(found[0].tolist()) == [0, 1, 2, 3]
    assert found[0, :2].tolist() == [2, 3]

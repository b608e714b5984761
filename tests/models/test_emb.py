"""EMB: its proposal branch, the elastic loss in closed form, and what `official` restores."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from baselines.emb.elastic_moments import (
    Proposals,
    confident_proposal,
    elastic_loss,
    segment_proposals,
    span_overlap,
)
from baselines.emb.model import EMB, EMBOutput
from emtm.contract import GroundingModel

from .helpers import ragged_batch, small_model

CLIPS, WORDS = [20, 7, 13, 1], [9, 3, 6, 1]


def emb(**changes: object) -> EMB:
    model = small_model("emb", **changes)
    assert isinstance(model, EMB)
    return model


def trained(**changes: object) -> EMB:
    """With the proposal branch, in training mode."""
    model = emb(**changes)
    model.prepare_training(0)
    return model.train()


def test_published_waste_never_reaches_the_spans() -> None:
    """Unlike its relatives, EMB's spans are the same in both modes, padded or not."""
    default, official = emb(), emb(official=True)
    missing, unexpected = official.load_state_dict(default.state_dict(), strict=False)
    assert {name.split(".")[0] for name in missing} == {"branch", "characters"}
    assert unexpected == []
    batch = ragged_batch(CLIPS, WORDS)
    with torch.no_grad():
        torch.testing.assert_close(
            default.span_distribution(default(batch)), official.span_distribution(official(batch)), atol=1e-6, rtol=1e-5
        )


def test_branch_runs_in_training_alone_unless_official() -> None:
    batch = ragged_batch(CLIPS, WORDS)
    model = trained()
    assert model(batch).rank_logits is not None
    evaluated = model.eval()(batch)
    assert (evaluated.proposals, evaluated.rank_logits) == (None, None)
    assert emb(official=True)(batch).rank_logits.shape == (4, 9)


def test_branch_leaves_with_training() -> None:
    model, fresh = trained(), emb()
    fresh.load_state_dict(model.inference_state())
    batch = ragged_batch(CLIPS, WORDS)
    torch.testing.assert_close(fresh(batch).start_logits, model.eval()(batch).start_logits)
    assert sum(p.numel() for p in fresh.parameters()) < sum(p.numel() for p in model.parameters())


def test_loss_reaches_every_trainable_parameter() -> None:
    model, batch = trained(), ragged_batch(CLIPS, WORDS)
    losses = model.loss(model(batch), batch)
    losses.total.backward()
    assert set(losses.terms) == {"span", "highlight", "rank"}
    expected = losses.terms["span"] + 5.0 * losses.terms["highlight"] + losses.terms["rank"]
    torch.testing.assert_close(losses.total, expected)
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def test_proposals_of_a_known_video() -> None:
    """Five clips in cells of two: the last cell is half full."""
    frames = torch.tensor([3.0, 1.0, 4.0, 1.0, -5.0, 9.0]).view(1, 6, 1)
    mask = torch.tensor([[True] * 5 + [False]])
    found = segment_proposals(frames, mask, 2)
    assert found.features.view(3, 3).tolist() == [[3.0, 4.0, 4.0], [0.0, 4.0, 4.0], [0.0, 0.0, -5.0]]
    assert found.mask.view(3, 3).tolist() == [[True] * 3, [False, True, True], [False, False, True]]
    bounds = found.bounds.view(3, 3, 2)
    assert [bounds[i, j].tolist() for i, j in ((0, 0), (0, 2), (1, 2), (2, 2))] == [[0, 1], [0, 4], [2, 4], [4, 4]]
    assert (found.bounds[~found.mask] == 0).all()


def test_official_padding_value_is_zero() -> None:
    """-1e-30 instead of -1e30 fills up the last cell, and wins over what is negative."""
    frames = torch.tensor([3.0, 1.0, -5.0]).view(1, 3, 1)
    mask = torch.ones(1, 3, dtype=torch.bool)
    assert segment_proposals(frames, mask, 2).features[0, 3].item() == -5.0
    assert segment_proposals(frames, mask, 2, official=True).features[0, 3].item() == pytest.approx(0.0, abs=1e-20)


@pytest.mark.parametrize("official", [False, True])
def test_proposal_scores_depend_on_padding_only_when_official(official: bool) -> None:
    model = emb(official=official)
    model.prepare_training(0)
    model.train()
    batch = ragged_batch([20, 13], [9, 9])
    # Cells of 8: the second video's last cell holds three clips of padding.
    with torch.no_grad():
        together = model(batch)
        video = model.encode_video(batch.video[1:, :13], batch.video_mask[1:, :13])
        alone = model.ground(video, model.encode_query(batch.word_ids[1:], batch.char_ids[1:])).rank_logits[0]
    cells = together.rank_logits[1].view(3, 3)[:2, :2].flatten()
    valid = alone[torch.tensor([0, 1, 3])]
    difference = (cells[torch.tensor([0, 1, 3])] - valid).abs().max()
    assert (difference > 1e-4) if official else (difference < 1e-5)


def test_elastic_loss_of_uniform_logits() -> None:
    """k acceptable clips of n equally likely ones: log(n / k)."""
    mask = torch.arange(10) < torch.tensor([[10], [6]])
    loss = elastic_loss(torch.zeros(2, 10), torch.tensor([2, 5]), torch.tensor([4, 5]), mask)
    assert loss.item() == pytest.approx((math.log(10 / 3) + math.log(6)) / 2, rel=1e-6)


def test_rigid_boundary_is_cross_entropy() -> None:
    torch.manual_seed(0)
    logits, index = torch.randn(3, 8), torch.tensor([0, 7, 3])
    loss = elastic_loss(logits, index, index, torch.ones(3, 8, dtype=torch.bool))
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(logits, index))


def test_overlap_counts_both_ends() -> None:
    a = torch.tensor([[0, 3], [2, 2], [0, 1]])
    b = torch.tensor([[2, 5], [2, 2], [4, 9]])
    assert span_overlap(a, b).tolist() == pytest.approx([2 / 6, 1.0, 0.0])


def test_confident_proposal_is_the_best_scored_of_those_that_overlap_enough() -> None:
    bounds = torch.tensor([[[0, 9], [2, 5], [3, 6], [0, 0]]])
    proposals = Proposals(torch.zeros(1, 4, 1), bounds, torch.tensor([[True, True, True, False]]))
    truth = torch.tensor([[2, 6]])
    overlap = span_overlap(bounds, truth.unsqueeze(1))
    logits = torch.tensor([[5.0, 1.0, 2.0, 9.0]])
    assert confident_proposal(proposals, logits, overlap, truth, 0.5).tolist() == [[0, 9]]
    assert confident_proposal(proposals, logits, overlap, truth, 0.7).tolist() == [[3, 6]]
    assert confident_proposal(proposals, logits, overlap, truth, 0.9).tolist() == [[2, 6]]


def handmade() -> tuple[EMBOutput, object]:
    """Even logits over 20 clips, the annotation 4 to 9, and one confident proposal, 6 to 11."""
    batch = ragged_batch([20], [5])
    targets = replace(batch.truth(), start_index=torch.tensor([4]), end_index=torch.tensor([9]))
    proposals = Proposals(torch.zeros(1, 1, 16), torch.tensor([[[6, 11]]]), torch.tensor([[True]]))
    even = torch.zeros(1, 20)
    output = EMBOutput(even, even, even, batch.video_mask, proposals, torch.zeros(1, 1))
    return output, replace(batch, targets=targets)


@pytest.mark.parametrize(
    ("official", "ends", "foreground"),
    # 4 to 11 is bright, one more clip each side; published code stops at the earlier end.
    [(False, 3, 10), (True, 4, 8)],
)
def test_elastic_moment(official: bool, ends: int, foreground: int) -> None:
    output, batch = handmade()
    terms = emb(official=official).objective(output, batch, 0.5).terms
    assert terms["span"].item() == pytest.approx(math.log(20 / 3) + math.log(20 / ends), rel=1e-6)
    assert terms["highlight"].item() == pytest.approx(math.log(2) * (20 + foreground) / 20, rel=1e-6)
    # IoU 4/8 lies halfway between 0.3 and 0.7; an undecided score costs log 2 whatever the target.
    assert terms["rank"].item() == pytest.approx(math.log(2), rel=1e-6)


def test_strict_threshold_makes_the_moment_rigid() -> None:
    output, batch = handmade()
    terms = emb().objective(output, batch, 0.51).terms
    assert terms["span"].item() == pytest.approx(2 * math.log(20), rel=1e-6)
    assert terms["highlight"].item() == pytest.approx(math.log(2) * (20 + 8) / 20, rel=1e-6)


def test_threshold_falls_over_training() -> None:
    model = emb()
    thresholds = []
    for fraction in (0.0, 0.25, 0.5, 0.75, 0.99):
        model.on_progress(fraction)
        thresholds.append(model.threshold())
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[0] == pytest.approx(1.0, abs=1e-4)
    assert thresholds[2] == pytest.approx(0.75)
    assert thresholds[-1] == pytest.approx(0.5, abs=1e-4)


def test_loss_follows_the_threshold() -> None:
    output, batch = handmade()
    model, spans = emb(), []
    for fraction in (0.0, 0.99999):
        model.on_progress(fraction)
        spans.append(model.loss(replace_bounds(output, [6, 12]), batch).terms["span"].item())
        spans.append(model.loss(replace_bounds(output, [5, 9]), batch).terms["span"].item())
    # IoU 4/9 is never enough; 5/6 is, once the threshold has fallen.
    rigid = 2 * math.log(20)
    assert spans == pytest.approx([rigid, rigid, rigid, math.log(20) + math.log(20 / 2)])


def replace_bounds(output: EMBOutput, bounds: list[int]) -> EMBOutput:
    assert output.proposals is not None
    return replace(output, proposals=replace(output.proposals, bounds=torch.tensor([[bounds]])))


def test_other_models_ignore_progress() -> None:
    assert GroundingModel.on_progress(small_model("vslnet"), 0.5) is None  # type: ignore[func-returns-value]


def test_characters_are_not_read() -> None:
    batch = ragged_batch(CLIPS, WORDS)
    other = replace(batch, char_ids=batch.char_ids.flip(2))
    for model in official_and_default():
        with torch.no_grad():
            assert torch.equal(model(batch).start_logits, model(other).start_logits)


def official_and_default() -> Iterator[EMB]:
    yield emb(official=True)
    yield emb()

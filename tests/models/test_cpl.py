"""CPL: its decoders, grids and losses in closed form; masking; no published noise or waste by default."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from baselines.cpl.dual_transformer import Decoder, ReweightedAttention, sinusoids
from baselines.cpl.model import (
    CPL,
    CPLConfig,
    CPLOutput,
    diversity_loss,
    first_third,
    frame_grid,
    gumbel_like,
    peaked_gaussian,
)
from emtm.contract import Recipe
from emtm.data.text import Lexicon
from emtm.errors import UserError
from emtm.registry import preset

from .helpers import SMALL, ragged_batch

CLIPS, WORDS = [20, 7, 13, 1], [9, 3, 6, 1]
NOUNS = Lexicon(torch.randn(30, 12, generator=torch.Generator().manual_seed(1)), 16, ("thing",) * 30)


def cpl(**changes: Any) -> CPL:
    torch.manual_seed(0)
    model = CPL(CPLConfig(**{**SMALL, "dropout": 0.0, "proposals": 3, "layers": 2, **changes}), NOUNS)
    for parameter in model.parameters():
        if parameter.dim() == 1:
            nn.init.normal_(parameter, std=0.3)
    return model.eval()


def output(centre: list[float], width: list[float], cost: list[float], **changes: Any) -> CPLOutput:
    """Of one video of four frames."""
    rows = [torch.tensor([values]) for values in (centre, width, cost)]
    gaussians = torch.ones(1, len(cost), 4)
    mask = torch.ones(1, 8, dtype=torch.bool)
    return replace(CPLOutput(*rows, gaussians, torch.tensor([4]), mask, None, None), **changes)


def test_official_mode_judges_a_short_query_by_padding_too() -> None:
    batch = ragged_batch([20, 16], [9, 4])
    batch = replace(batch, word_ids=batch.word_ids.clamp_min(2) * batch.query_mask)
    default, official = (cpl(official=mode)(batch) for mode in (False, True))
    torch.testing.assert_close(default.spans, official.spans)
    torch.testing.assert_close(default.cost[0], official.cost[0])
    assert (default.cost[1] - official.cost[1]).abs().min() > 1e-4


def test_negatives_and_reference_run_in_training_or_official_mode_alone() -> None:
    batch = ragged_batch([9], [5])
    assert cpl()(batch).negative_costs is None
    assert cpl()(batch).reference_cost is None
    assert cpl(official=True, negatives=False)(batch).negative_costs is None
    assert cpl(negatives=False).train()(batch).reference_cost is None
    for model in (cpl(official=True), cpl().train()):
        found = model(batch)
        assert found.negative_costs is not None and found.reference_cost is not None
        assert [cost.shape for cost in (*found.negative_costs, found.reference_cost)] == [(1, 3), (1, 3), (1,)]


def test_negatives_move_with_progress_and_the_proposals_do_not() -> None:
    model, batch = cpl(official=True), ragged_batch([20], [5])
    early = model(batch)
    model.on_progress(0.9)
    late = model(batch)
    assert early.negative_costs is not None and late.negative_costs is not None
    assert (early.negative_costs[0] - late.negative_costs[0]).abs().max() > 1e-4
    assert torch.equal(early.cost, late.cost)


def test_masking_is_fixed_or_seeded_at_inference_and_drawn_in_training() -> None:
    batch = ragged_batch([20], [9])
    model = cpl()
    assert torch.equal(model(batch).cost, model(batch).cost)
    drawn = [cpl(masking="random", mask_seed=seed)(batch).cost for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    model.train()
    assert not torch.equal(model(batch).cost, model(batch).cost)


def test_unknown_and_rare_words_are_read_but_not_judged() -> None:
    batch = ragged_batch([20], [6])
    ids = torch.tensor([[2, 3, 1, 20, 4, 5]])
    query = cpl(vocabulary=10).encode_query(ids, batch.char_ids)
    assert query.ids.tolist() == [[2, 3, 1, 1, 4, 5]]
    assert cpl(vocabulary=10)._judged(query).tolist() == [[True, True, False, False, True, True]]


def test_frames_are_every_fourth_clip_of_each_video() -> None:
    mask = torch.arange(200) < torch.tensor([[200], [9], [3]])
    index, place, valid = frame_grid(mask, 4)
    assert index.shape == (3, 50)
    assert index[0].tolist() == [j * 199 // 49 for j in range(50)]
    assert (index[1, :2].tolist(), int(valid[1].sum()), int(valid[2].sum())) == ([0, 8], 2, 1)
    assert place[0, 0] == 0.0
    assert place[0, 49] == 1.0


def test_gaussians_peak_at_one_on_the_video() -> None:
    place = torch.tensor([[0.0, 0.5, 1.0, 1.5]])
    mask = torch.tensor([[True, True, True, False]])
    weights = peaked_gaussian(place, mask, torch.tensor([[0.5, 0.9]]), torch.tensor([[0.25, 0.2]]))
    near, far = math.exp(-0.5 * (0.4 / 0.2) ** 2 + 0.5 * (0.1 / 0.2) ** 2), math.exp(-2.0)
    torch.testing.assert_close(weights[0, 0], torch.tensor([far, 1.0, far, 0.0]))
    torch.testing.assert_close(weights[0, 1, 1:], torch.tensor([near, 1.0, 0.0]))


def test_diversity_loss() -> None:
    apart = torch.eye(2).repeat(1, 1, 1)
    # Of 50 frames, overlaps are as they are: 1 with itself, 0 with the other.
    assert float(diversity_loss(apart, torch.tensor([50]), 0.146)) == pytest.approx(2 * (1 - 0.146) ** 2, rel=1e-5)
    same = torch.ones(1, 2, 25) * torch.tensor([25.0])
    overlap = 1 / 25 * 25 / 50
    expected = 2 * (overlap - 0.146) ** 2 + 2 * overlap**2
    assert float(diversity_loss(same, torch.tensor([25]), 0.146)) == pytest.approx(expected, rel=1e-5)


def test_a_third_of_the_words_is_masked_words_of_meaning_first() -> None:
    order = torch.tensor([[1.0, 2.0, 1.0, 2.0, 2.0, 1.0, 1.0], [1.0, 2.0] + [-torch.inf] * 5])
    masked = first_third(order, order > 0)
    assert masked.tolist() == [[False, True, False, True, False, False, False], [False, True] + [False] * 5]


def test_gumbel_noise_draws_in_proportion_to_weights() -> None:
    torch.manual_seed(0)
    order = torch.tensor([2.0, 1.0]).expand(20_000, 2)
    drawn = (order + gumbel_like(order)).argmax(1).float().mean()
    assert float(drawn) == pytest.approx(1 / (1 + math.e), abs=0.012)


def test_loss_terms_in_closed_form() -> None:
    model = cpl(rank_weight=2.0, diversity_weight=0.0)
    costs = (torch.tensor([[9.0, 1.1, 0.0]]), torch.tensor([[9.0, 5.0, 0.0]]))
    found = output([0.5] * 3, [0.2] * 3, [3.0, 1.0, 2.0], negative_costs=costs, reference_cost=torch.tensor([1.5]))
    losses = model.loss(found, ragged_batch([8], [3]))
    assert float(losses.terms["reconstruction"]) == pytest.approx((1.0 + 1.5) / 2)
    # 0.5 better than the whole video, 0.1 and 4 better than its own negatives; margins 0.1 and 0.15.
    assert float(losses.terms["rank"]) == pytest.approx(0.05, abs=1e-6)
    assert float(losses.total) == pytest.approx(1.25 + 2 * 0.05, abs=1e-6)


def test_training_needs_no_moments_and_reaches_every_parameter() -> None:
    model, batch = cpl().train(), replace(ragged_batch(CLIPS, WORDS), targets=None)
    losses = model.loss(model(batch), batch)
    losses.total.backward()
    assert losses.total.isfinite()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_moments_are_proposals_best_first() -> None:
    found = output([0.1, 0.5, 0.9], [0.4, 0.2, 0.4], [2.0, 1.0, 3.0])
    moments = cpl().moments(found, torch.tensor([10.0]), top_k=4)
    torch.testing.assert_close(moments[0, :, :2], torch.tensor([[4.0, 6.0], [0.0, 3.0], [7.0, 10.0], [7.0, 10.0]]))
    shares = torch.softmax(torch.tensor([-1.0, -2.0, -3.0]), 0)
    torch.testing.assert_close(moments[0, :3, 2], shares)


def test_votes_prefer_proposals_that_others_overlap() -> None:
    # The best proposal stands alone; two others cover the same moment.
    found = output([0.1, 0.7, 0.7], [0.1, 0.2, 0.2], [1.0, 2.0, 3.0])
    duration = torch.tensor([10.0])
    assert cpl().moments(found, duration)[0, 0, :2].tolist() == pytest.approx([0.5, 1.5])
    assert cpl(voting="all").moments(found, duration)[0, 0, :2].tolist() == pytest.approx([6.0, 8.0])
    assert cpl(voting="near").moments(found, duration)[0, 0, :2].tolist() == pytest.approx([0.5, 1.5])


def test_reweighted_attention() -> None:
    torch.manual_seed(0)
    layer, x, source = ReweightedAttention(8, 2), torch.randn(1, 3, 8), torch.randn(1, 4, 8)
    bias = torch.zeros(1, 1, 1, 4)
    torch.testing.assert_close(layer(x, source, bias, torch.ones(1, 4)), layer(x, source, bias))
    one = layer(x, source, bias, torch.tensor([[0.0, 0.0, 1.0, 0.0]]))
    torch.testing.assert_close(one, layer.out(layer.value(source[:, 2:3])).expand(1, 3, 8), atol=1e-5, rtol=1e-5)


def test_decoders_read_from_left_to_right() -> None:
    torch.manual_seed(0)
    decoder, x = Decoder(8, 2, 2), torch.randn(1, 6, 8)
    changed = torch.cat([x[:, :4], torch.randn(1, 2, 8)], 1)
    mask = torch.ones(1, 6, dtype=torch.bool)
    before, after = decoder(x, mask), decoder(changed, mask)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert (before[:, 4:] - after[:, 4:]).abs().max() > 1e-2


def test_sinusoids() -> None:
    table = sinusoids(5, 6)
    assert table[0].abs().sum() == 0
    expected = [f(3 * 10000 ** (-i / 2)) for f in (math.sin, math.cos) for i in range(3)]
    assert table[3].tolist() == pytest.approx(expected, abs=1e-6)


def test_learning_rate_falls_with_the_root_of_training() -> None:
    recipe = Recipe(schedule="inverse-sqrt", learning_rate=4e-4, warmup_epochs=1, warmup_learning_rate=0.0)
    assert [recipe.rate(p) for p in (0.0, 0.5, 1.0, 4.0, 16.0)] == pytest.approx([0.0, 2e-4, 4e-4, 2e-4, 1e-4])


def test_there_is_no_published_configuration_for_tacos() -> None:
    assert preset("cpl", "charades-sta").config.max_clips == 200
    with pytest.raises(UserError, match="cpl's published configurations 'tacos'"):
        preset("cpl", "tacos")

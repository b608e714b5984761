"""The aggregation unit: weights, masks, published quirks, size."""

import pytest
import torch

from emtm.distillation.aggregation import KnowledgeAggregation, aggregate, geometric, signs, uniform_weights
from emtm.parity.checking import find_fixtures
from emtm.parity.fixture import read_fixture
from tests.shared import SHARED, needs_shared


def unit(teachers: int = 3, *, official: bool = False) -> KnowledgeAggregation:
    torch.manual_seed(0)
    return KnowledgeAggregation(8, teachers, 12, official=official)


def inputs(clips: int = 12, words: int = 5) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(1)
    video, query = torch.randn(2, clips, 8), torch.randn(2, words, 8)
    return video, query, torch.ones(2, clips) > 0, torch.ones(2, words) > 0


@pytest.mark.parametrize("official", [False, True])
@pytest.mark.parametrize("teachers", [1, 2, 5])
def test_weights_sum_to_one_over_the_teachers(teachers: int, official: bool) -> None:
    weights = unit(teachers, official=official)(*inputs())
    assert weights.shape == (2, teachers, 2)
    torch.testing.assert_close(weights.sum(1), torch.ones(2, 2))


def test_no_teacher_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one teacher"):
        unit(0)


@pytest.mark.parametrize(("dataset", "clips", "expected"), [("C", 64, 35_238), ("A", 100, 36_390), ("T", 256, 41_382)])
def test_published_parameters(dataset: str, clips: int, expected: int) -> None:
    published = KnowledgeAggregation(128, 3, clips, official=True)
    assert sum(p.numel() for p in published.parameters()) == expected


def test_padding_changes_nothing_by_default_and_everything_as_published() -> None:
    video, query, video_mask, query_mask = inputs()
    padded_video = torch.cat([video, torch.randn(2, 3, 8)], 1)
    padded_query = torch.cat([query, 9 * torch.ones(2, 2, 8)], 1)
    masks = torch.arange(15).expand(2, 15) < 12, torch.arange(7).expand(2, 7) < 5
    sound = unit()
    torch.testing.assert_close(
        sound(padded_video, padded_query, *masks), sound(video, query, video_mask, query_mask), atol=1e-6, rtol=1e-5
    )
    published = unit(official=True)
    before = published(video, query, video_mask, query_mask)
    after = published(video, padded_query, video_mask, masks[1])
    assert (before - after).abs().max() > 1e-4


def test_video_length_is_free_by_default_and_fixed_as_published() -> None:
    assert unit()(*inputs(clips=7)).shape == (2, 3, 2)
    with pytest.raises(RuntimeError):
        unit(official=True)(*inputs(clips=7))


def test_aggregate_is_the_weighted_sum() -> None:
    labels = torch.tensor([[[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.25, 0.75]]]])
    weights = torch.tensor([[[0.25, 1.0], [0.75, 0.0]]])
    torch.testing.assert_close(aggregate(labels, weights), torch.tensor([[[0.25, 0.75], [0.5, 0.5]]]))
    torch.testing.assert_close(aggregate(labels, uniform_weights(labels)), torch.tensor([[[0.5, 0.5], [0.375, 0.625]]]))


def test_geometric_is_the_normalised_product_of_powers() -> None:
    labels = torch.tensor([[[[0.8, 0.2, 0.0]] * 2, [[0.2, 0.8, 0.0]] * 2]])
    even = geometric(labels, uniform_weights(labels))
    torch.testing.assert_close(even, torch.tensor([[[0.5, 0.5, 0.0]] * 2]))
    # 0.8^w 0.2^(1 - w) against 0.2^w 0.8^(1 - w): the odds are 4^(2 w - 1).
    tilted = geometric(labels, torch.tensor([[[0.75, 1.0], [0.25, 0.0]]]))
    torch.testing.assert_close(tilted, torch.tensor([[[2 / 3, 1 / 3, 0.0], [0.8, 0.2, 0.0]]]))
    # What one rules out, the other alone does not bring back, as the average does.
    split = torch.tensor([[[[0.5, 0.5, 0.0]] * 2, [[0.0, 0.5, 0.5]] * 2]])
    assert geometric(split, uniform_weights(split))[0, 0, 1] > 0.99
    assert aggregate(split, uniform_weights(split))[0, 0, 1] == 0.5


def test_signs_are_entropies_and_distances_from_the_mean() -> None:
    labels = torch.tensor([[[[0.5, 0.5, 0.0]] * 2, [[1.0, 0.0, 0.0]] * 2]])
    found = signs(labels).view(2, 2, 2)
    torch.testing.assert_close(found[0, :, 0], torch.ones(2))
    torch.testing.assert_close(found[1, :, 0], torch.zeros(2))
    half, mean = torch.tensor(0.5), torch.tensor([0.75, 0.25])
    torch.testing.assert_close(found[0, 0, 1], (half * (half.log() - mean.log())).sum())
    torch.testing.assert_close(found[1, 1, 1], -mean[0].log())


def test_an_informed_unit_learns_to_trust_the_teacher_that_is_sure() -> None:
    """Which teacher is right says its label alone: the unit that sees video and query cannot tell, the other can."""
    torch.manual_seed(0)
    sure, vague = torch.tensor([0.9, 0.05, 0.05]), torch.tensor([0.4, 0.3, 0.3])
    right = torch.arange(32) % 2
    labels = torch.stack([torch.stack([sure if right[i] == k else vague for k in (0, 1)]) for i in range(32)])
    labels = labels.unsqueeze(2).expand(-1, -1, 2, -1)
    video, query, masks = torch.randn(32, 12, 8), torch.randn(32, 4, 8), (torch.ones(32, 12) > 0, torch.ones(32, 4) > 0)
    model = KnowledgeAggregation(8, 2, 12, informed=True)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        weights = model.weigh(torch.cat([model.pooled(video, query, *masks), signs(labels)], 1))[:, :, 0]
        (-weights[torch.arange(32), right].log().mean()).backward()
        optimizer.step()
    assert weights[torch.arange(32), right].min() > 0.9


def test_unit_learns_which_teacher_to_trust() -> None:
    """Two teachers, right on alternate videos: the unit must come to pick the right one."""
    torch.manual_seed(0)
    model = unit(2)
    video = torch.cat([torch.ones(16, 12, 8), -torch.ones(16, 12, 8)]) + 0.1 * torch.randn(32, 12, 8)
    query, masks = torch.randn(32, 4, 8), (torch.ones(32, 12) > 0, torch.ones(32, 4) > 0)
    right = torch.arange(32) >= 16
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(150):
        optimizer.zero_grad()
        weights = model(video, query, *masks)[:, :, 0]
        loss = -weights[torch.arange(32), right.long()].log().mean()
        loss.backward()
        optimizer.step()
    assert weights[torch.arange(32), right.long()].min() > 0.9


@needs_shared
def test_fixture_of_any_number_of_teachers_is_read() -> None:
    from emtm.parity.distillation import teacher_labels

    for path in find_fixtures([SHARED / "fixtures"]):
        fixture = read_fixture(path)
        if "in/slabels_t0" in fixture:
            assert teacher_labels(fixture).shape[1:3] == (3, 2)

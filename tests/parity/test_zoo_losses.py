"""TSGVZoo's losses: what is sound about them, and what is not as published."""

import math

import pytest
import torch

from emtm.parity.zoo_losses import gaussian_span_loss, unit_divergence

MASK = torch.tensor([[True, True, True, False]])
NONE = torch.tensor([[True] * 4])


def test_even_logits_cost_log_of_the_clips() -> None:
    even, label = torch.zeros(1, 4), torch.tensor([[0.5, 1.0, 0.5, 0.0]])
    assert gaussian_span_loss(even, even, label, label, MASK).item() == pytest.approx(2 * math.log(3), rel=1e-6)
    # Published: padding is a fourth clip, and a label of mass 2 counts twice.
    published = gaussian_span_loss(even, even, label, label, MASK, official=True)
    assert published.item() == pytest.approx(4 * math.log(4), rel=1e-6)


def test_span_loss_ignores_what_stands_on_padding() -> None:
    torch.manual_seed(0)
    logits, label = torch.randn(1, 4), torch.rand(1, 4)
    other = torch.where(MASK, logits, 9.0)
    losses = [gaussian_span_loss(x, x, label, label, MASK).item() for x in (logits, other)]
    assert losses[0] == pytest.approx(losses[1])


def test_divergence_is_zero_for_equal_sides_and_positive_otherwise() -> None:
    torch.manual_seed(0)
    logits, label = torch.randn(2, 1, 4)
    assert unit_divergence(logits, logits * 3, MASK, 2.0).item() == pytest.approx(0.0, abs=1e-6)
    assert unit_divergence(logits, label, MASK, 2.0).item() > 1e-3


def test_published_divergence_teaches_nothing_with_padding() -> None:
    torch.manual_seed(0)
    logits, label = torch.randn(2, 1, 4)
    assert unit_divergence(logits, label, MASK, 2.0, official=True).item() == 0.0
    both = [unit_divergence(logits, label, NONE, 2.0, official=official) for official in (False, True)]
    torch.testing.assert_close(both[0], both[1])


def test_divergence_is_that_of_the_sample_alone() -> None:
    torch.manual_seed(0)
    logits, label = torch.randn(2, 1, 4)
    alone = unit_divergence(logits[:, :3], label[:, :3], MASK[:, :3], 2.0)
    torch.testing.assert_close(unit_divergence(logits, label, MASK, 2.0), alone)

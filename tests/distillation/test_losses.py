"""Distillation losses: closed forms, gradients, and the nil distillation of the released code."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emtm.distillation.losses import (
    aggregation_loss,
    distillation_loss,
    hidden_alignment,
    official_distillation,
    soften,
    weight_prior,
)

EVERYTHING = torch.ones(1, 4) > 0


def test_distillation_is_zero_when_the_student_says_the_same() -> None:
    logits = torch.randn(3, 6)
    mask = torch.ones(3, 6) > 0
    for temperature in (0.5, 1.0, 4.0):
        assert distillation_loss(logits, logits.softmax(1), mask, temperature).abs() < 1e-5


def test_distillation_by_hand() -> None:
    """Uniform student, label (1/2, 1/4, 1/8, 1/8): KL = ln 4 - H, with H = 7/4 ln 2."""
    label = torch.tensor([[0.5, 0.25, 0.125, 0.125]])
    expected = torch.tensor(2 - 1.75) * torch.log(torch.tensor(2.0))
    torch.testing.assert_close(distillation_loss(torch.zeros(1, 4), label, EVERYTHING, 1.0), expected)


@given(temperature=st.floats(0.5, 8.0), seed=st.integers(0, 50))
def test_soften_equals_softmax_of_divided_logits(temperature: float, seed: int) -> None:
    logits = torch.randn(2, 7, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(
        soften(logits.softmax(1), temperature), (logits / temperature).softmax(1), atol=1e-5, rtol=1e-3
    )


def test_soften_keeps_zeros_and_empty_rows() -> None:
    torch.testing.assert_close(soften(torch.tensor([[0.5, 0.5, 0.0]]), 9.0), torch.tensor([[0.5, 0.5, 0.0]]))
    assert soften(torch.zeros(1, 3), 2.0).sum() == 0


def test_gradient_is_the_difference_of_the_softened_distributions_times_temperature() -> None:
    logits = torch.randn(1, 4, requires_grad=True)
    label = torch.tensor([[0.7, 0.1, 0.1, 0.1]])
    for temperature in (1.0, 3.0):
        (gradient,) = torch.autograd.grad(distillation_loss(logits, label, EVERYTHING, temperature), logits)
        expected = temperature * ((logits / temperature).softmax(1) - soften(label, temperature))
        torch.testing.assert_close(gradient, expected)


def test_padding_takes_no_part() -> None:
    logits, label = torch.randn(1, 4), torch.tensor([[0.6, 0.4, 0.0, 0.0]])
    mask = torch.tensor([[True, True, False, False]])
    alone = distillation_loss(logits[:, :2], label[:, :2], mask[:, :2], 2.0)
    torch.testing.assert_close(distillation_loss(logits, label, mask, 2.0), alone)


def test_teacher_gets_no_gradient() -> None:
    label = torch.tensor([[0.7, 0.1, 0.1, 0.1]], requires_grad=True)
    logits = torch.randn(1, 4, requires_grad=True)
    distillation_loss(logits, label, EVERYTHING, 1.0).backward()
    assert label.grad is None


def test_aggregation_loss_is_the_likelihood_of_the_truth() -> None:
    label, truth = torch.tensor([[0.25, 0.75]]), torch.tensor([[0.0, 1.0]])
    torch.testing.assert_close(aggregation_loss(label, truth), -torch.tensor(0.75).log())
    assert torch.isfinite(aggregation_loss(torch.tensor([[1.0, 0.0]]), truth))


def test_weight_prior_is_zero_for_equal_weights_and_grows_towards_one_teacher() -> None:
    assert weight_prior(torch.full((2, 4, 2), 0.25)).abs() < 1e-6
    halves = torch.tensor([[[0.5, 0.25], [0.5, 0.75]]])
    expected = -(torch.tensor(0.5).log() + torch.tensor(1.5).log()) / 2
    torch.testing.assert_close(weight_prior(halves), expected)
    assert weight_prior(torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])) > 5


def test_hidden_alignment_by_hand() -> None:
    student = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [5.0, 5.0]]], requires_grad=True)
    teacher = torch.tensor([[[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]]], requires_grad=True)
    loss = hidden_alignment(student, teacher, torch.tensor([[True, True, False]]))
    torch.testing.assert_close(loss.detach(), torch.tensor(0.5))
    loss.backward()
    assert student.grad is not None
    assert teacher.grad is None


@pytest.mark.parametrize(("length", "temperature"), [(64, 1.0), (100, 3.0), (256, 3.0)])
def test_published_distillation_is_numerically_nil(length: int, temperature: float) -> None:
    """Opposite one-hot rows are the worst case, and even there it stays below a ten-thousandth."""
    logits = torch.zeros(1, length, dtype=torch.float64)
    logits[0, 0] = 10.0
    logits.requires_grad_()
    label = torch.zeros(1, length, dtype=torch.float64)
    label[0, -1] = 1.0
    mask = torch.ones(1, length) > 0
    value = official_distillation(logits, label, mask, temperature)
    assert 0 < value.item() < 1e-4
    (published,) = torch.autograd.grad(value.sum(), logits)
    (sound,) = torch.autograd.grad(distillation_loss(logits, label, mask, temperature), logits)
    assert published.norm() < 1e-4 * sound.norm()


def test_published_distillation_of_a_zero_row_is_not_a_number() -> None:
    mask = torch.ones(1, 4) > 0
    assert official_distillation(torch.zeros(1, 4), torch.rand(1, 4), mask, 1.0).isnan().all()

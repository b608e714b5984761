"""Optimisers by hand and by the published rules."""

import pytest
import torch
from torch import nn

from emtm.contract import Recipe
from emtm.training.optimizer import BertAdam, build_optimizer, undecayed
from tests.models.helpers import small_model


def test_bert_adam_by_hand() -> None:
    p = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = BertAdam([p], lr=0.1, weight_decay=0.01)
    first = second = torch.zeros(2)
    expected = p.detach().clone()
    for grad in (torch.tensor([0.5, 1.0]), torch.tensor([-0.25, 2.0])):
        p.grad = grad.clone()
        optimizer.step()
        first = 0.9 * first + 0.1 * grad
        second = 0.999 * second + 0.001 * grad**2
        expected = expected - 0.1 * (first / (second.sqrt() + 1e-6) + 0.01 * expected)
        torch.testing.assert_close(p.detach(), expected)


def test_norms_and_biases_are_not_decayed() -> None:
    model = small_model("seqpan")
    names = {n for n, p in model.named_parameters() if p in undecayed(model)}
    assert "head.predictor.start_norm.weight" in names
    assert "encoder.video_projection.1.bias" in names
    assert "encoder.positions.table" not in names
    assert "head.match.labels" not in names
    assert all("norm" in n or n.endswith("bias") or "projection.2" in n or "projection.1" in n for n in names)


@pytest.mark.parametrize(
    "recipe", [Recipe(optimizer=name, learning_rate=0.05) for name in ("bert-adam", "adamw", "adam")]
)
def test_every_optimizer_lowers_a_quadratic(recipe: Recipe) -> None:
    layer = nn.Linear(3, 1)
    optimizer = build_optimizer(layer, recipe)
    x = torch.randn(16, 3)
    losses = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = (layer(x) - x.sum(1, keepdim=True)).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_published_learning_rates() -> None:
    recipe = Recipe(warmup_epochs=2, epochs=100)
    assert recipe.rate(0) == recipe.rate(1.9) == 1e-6
    assert recipe.rate(2.5) == pytest.approx(1e-4 * 0.98)
    assert Recipe(schedule="step-linear", epochs=10).rate(2.5) == pytest.approx(7.5e-5)
    assert Recipe(schedule="constant").rate(99) == 1e-4

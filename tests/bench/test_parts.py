"""Parts of a count that fail alone, and a module that is left as it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from bench import static
from bench.count import table
from bench.instruments.eval_mode import eval_mode
from bench.instruments.params import count_params
from bench.missing import Missing
from bench.static import ModuleFailsError, analyse_module
from tests.bench.tricks import Call, without_gradients_from_now_on

X = torch.ones(2, 4)
MACS = 2 * 4 * 3


@dataclasses.dataclass
class Unregistered:
    scores: Tensor


def unreachable(function: Callable[..., Any], *parts: nn.Module) -> int | Missing:
    return analyse_module(Call(function, *(parts or (nn.Linear(4, 3),))), (X,)).params.unreachable


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda f, x: torch.distributions.Normal(f(x), 1.0), "holds a Normal"),
        (lambda f, x: Unregistered(f(x)), "holds a Unregistered"),
        (lambda f, x: (f(x), {"more": Unregistered(f(x))}), "holds a Unregistered"),
        (lambda f, x: f(x).argmax(1), "no output carries a gradient"),
        (lambda f, x: f(x).detach().numpy(), "holds a ndarray"),
        (torch.no_grad()(lambda f, x: f(x)), "no output carries a gradient"),
        (torch.inference_mode()(lambda f, x: f(x)), "no output carries a gradient"),
        (lambda f, x: None, "no output carries a gradient"),
    ],
)
def test_what_is_reached_is_not_known_without_gradients(function: Callable[..., Any], reason: str) -> None:
    found = unreachable(function)
    assert isinstance(found, Missing)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda f, x: f(x), 0),
        (lambda f, x: {"a": [f(x), f(x).argmax(1)], "b": None, "c": "text"}, 0),
        (lambda f, x: (f(x).exp() + 1j * f(x)).square(), 0),
        (lambda f, x: torch.cat([f(x).half().sum()[None], f(x.requires_grad_()).sum()[None].half()]), 0),
        (lambda f, x: x @ f.weight.T, 3),
    ],
)
def test_what_gradients_reach(function: Callable[..., Any], expected: int) -> None:
    assert unreachable(function) == expected


def test_a_module_without_trainable_parameters_has_no_unreachable_ones() -> None:
    assert unreachable(lambda f, x: f(x).argmax(1), nn.Linear(4, 3).requires_grad_(False)) == 0


def test_a_gradient_that_cannot_be_asked_for_costs_nothing_else() -> None:
    def forward(embed: nn.Module, layer: nn.Module, x: Tensor) -> Any:
        return checkpoint(layer, embed(x), use_reentrant=True)

    found = analyse_module(Call(forward, nn.Linear(4, 4), nn.Linear(4, 3)), (X,))
    assert isinstance(found.params.unreachable, Missing)
    assert "cannot be asked for" in found.params.unreachable.reason
    assert found.params.total == 20 + 15
    assert not isinstance(found.compute, Missing)
    assert found.compute.macs == 2 * 4 * 4 + MACS


def test_inputs_are_new_for_each_pass() -> None:
    def forward(layer: nn.Module, batch: dict[str, Tensor]) -> Any:
        return layer(batch.pop("x").add_(batch["same"]))

    batch = {"x": X.clone(), "other": X}
    batch["same"] = batch["x"]
    found = analyse_module(Call(forward, nn.Linear(4, 3)), (batch,))
    assert not isinstance(found.compute, Missing)
    assert (found.compute.macs, found.params.unreachable, found.crosscheck.fvcore_macs) == (MACS, 0, MACS)
    assert list(batch) == ["x", "other", "same"]
    assert torch.equal(batch["x"], X)


class Once(nn.Module):
    """Runs a single time."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.left = [1]

    def forward(self, x: Tensor) -> Tensor:
        self.left.pop()
        out: Tensor = self.layer(x)
        return out


def test_a_module_that_runs_once_is_new_for_each_pass() -> None:
    found = analyse_module(Once(), (X,))
    assert not isinstance(found.compute, Missing)
    assert (found.compute.macs, found.params.unreachable, found.crosscheck.fvcore_macs) == (MACS, 0, MACS)


def test_a_fault_of_the_counter_is_not_the_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        raise KeyError("rule")

    monkeypatch.setattr(static, "operators", broken)
    found = analyse_module(nn.Linear(4, 3), (X,))
    assert found.compute == Missing("the counter failed, and the module does not: KeyError: 'rule'")
    assert (found.params.total, found.params.unreachable) == (15, 0)
    assert found.crosscheck.fvcore_macs == MACS
    assert found.crosscheck.unexplained_macs == found.compute


def test_a_fault_of_fvcore_costs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        raise SystemExit(1)

    monkeypatch.setattr(static, "ask_fvcore", broken)
    found = analyse_module(nn.Linear(4, 3), (X,))
    assert found.crosscheck.fvcore_macs == Missing("fvcore failed: SystemExit: 1")
    assert not isinstance(found.compute, Missing)
    assert found.compute.macs == MACS


def test_a_module_that_fails_by_itself_is_told_so() -> None:
    with pytest.raises(ModuleFailsError, match="ZeroDivisionError: division by zero"):
        analyse_module(Call(lambda x: 1 / 0), (X,))


class Stubborn(nn.BatchNorm1d):
    """Stays in eval mode whatever it is told."""

    def train(self, mode: bool = True) -> Stubborn:
        return super().train(False)


def test_parts_come_back_in_their_own_modes() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Dropout(), nn.BatchNorm1d(4)), Stubborn(4), nn.Dropout())
    module[1].eval()
    module[1][1].train()
    modes = [part.training for part in module.modules()]
    assert set(modes) == {True, False}
    with eval_mode(module):
        assert not any(part.training for part in module.modules())
    assert [part.training for part in module.modules()] == modes
    analyse_module(module, (X,))
    count_params(module, lambda: module(X))
    assert [part.training for part in module.modules()] == modes


def test_no_trace_is_left_on_torch() -> None:
    before = dict(torch.Tensor.__dict__)
    grad = torch.is_grad_enabled()
    analyse_module(Call(without_gradients_from_now_on, nn.Linear(4, 3)), (X,))
    assert dict(torch.Tensor.__dict__) == before
    assert torch.is_grad_enabled() == grad


@pytest.mark.parametrize(
    ("function", "operator", "macs"),
    [
        (lambda x: torch.tensordot(x, x, ([1], [1])), "aten::tensordot", 2 * 2 * 4),
        (lambda x: torch.inner(x, x), "aten::inner", 2 * 2 * 4),
        (lambda x: torch.linalg.multi_dot([x, x.T, x]), "aten::linalg_multi_dot", 2 * 2 * 2 * 4),
        (
            lambda x: nn.functional.scaled_dot_product_attention(x, x, x, torch.ones(2, 2)),
            "aten::scaled_dot_product_attention",
            2 * 2 * 2 * 4,
        ),
    ],
)
def test_what_fvcore_does_not_see_has_the_name_that_it_calls_it(
    function: Callable[..., Any], operator: str, macs: int
) -> None:
    found = analyse_module(Call(function), (X,)).crosscheck
    assert found.fvcore_macs == 0
    assert found.explained_macs == {operator: macs}
    assert found.unexplained_macs == 0


def test_what_nothing_explains_is_printed_so() -> None:
    def forward(x: Tensor) -> Tensor:
        torch.mm(x, x.T)  # Nothing reads it, so that a trace drops it.
        return x * 2

    found = analyse_module(Call(forward), (X,))
    assert (found.crosscheck.fvcore_macs, found.crosscheck.unexplained_macs) == (0, 16)
    assert "unexplained" in table(found)
    assert "+16 MACs" in table(found)

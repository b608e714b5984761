from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from bench.backends.eager import predictions
from bench.instruments.params import count_params
from bench.instruments.reach import leaves
from bench.static import analyse_model
from bench.subjects import make_batch
from tests.bench.toy import SHAPE, toy

A, B, C = (torch.ones(3, requires_grad=True) for _ in range(3))


class Half(torch.autograd.Function):
    """Passes nothing on to its second input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        return x + y

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0], None


def sliced() -> Tensor:
    out = torch.zeros(6)
    out[:3] = A
    return out


def overwritten() -> Tensor:
    out = A * 2
    out.copy_(B)
    return out


TOLD: dict[str, tuple[Callable[[], Tensor], set[int]]] = {
    "product": (lambda: A * B, {id(A), id(B)}),
    "a leaf itself": (lambda: C, {id(C)}),
    "cut": (lambda: A * B.detach(), {id(A)}),
    "times zero": (lambda: A * 0 + torch.where(torch.tensor(False), B, 1.0), {id(A), id(B)}),
    "one way in two": (lambda: (A + A) * (A - B), {id(A), id(B)}),
    "checkpoint": (lambda: checkpoint(lambda x: x * B, A, use_reentrant=False), {id(A), id(B)}),
    "indices": (lambda: torch.stack([A, B]).max(0).values, {id(A), id(B)}),
}
OPAQUE: dict[str, Callable[[], Tensor]] = {
    "written in Python": lambda: Half.apply(A, B),  # type: ignore[no-untyped-call]
    "checkpoint within backward": lambda: checkpoint(lambda x: x * B, A, use_reentrant=True),
    "in place on a part": sliced,
}


@pytest.mark.parametrize("name", TOLD)
def test_the_graph_tells_what_the_gradient_reaches(name: str) -> None:
    output, expected = TOLD[name]
    assert leaves([output()]) == expected
    grads = torch.autograd.grad(output().sum(), [A, B, C], allow_unused=True)
    assert {id(p) for p, grad in zip((A, B, C), grads, strict=True) if grad is not None} == expected


def test_what_is_overwritten_is_judged_as_torch_judges_it() -> None:
    found = leaves([overwritten()])
    grads = torch.autograd.grad(overwritten().sum(), [A, B], allow_unused=True)
    assert found == {id(p) for p, grad in zip((A, B), grads, strict=True) if grad is not None}


@pytest.mark.parametrize("name", OPAQUE)
def test_of_functions_that_may_pass_nothing_on_the_graph_does_not_tell(name: str) -> None:
    assert leaves([OPAQUE[name]()]) is None


def test_a_function_that_passes_nothing_on_makes_a_parameter_unreachable() -> None:
    class Module(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.cut = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(5, 3))

        def forward(self) -> Tensor:
            found: Tensor = Half.apply(self.used, self.cut[0])  # type: ignore[no-untyped-call]
            return found

    module = Module()
    assert count_params(module, lambda: [module()]).unreachable == 15


def test_a_count_that_watches_its_own_call_is_the_same() -> None:
    model, batch = toy(), make_batch(SHAPE, 8, 1)
    assert analyse_model(model, batch).params == count_params(model, lambda: predictions(model, batch))

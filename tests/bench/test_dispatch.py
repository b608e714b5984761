"""Operators of calls that can be counted by hand."""

import torch
from torch import nn

from bench.instruments.dispatch import measure
from bench.record import Dispatch


def test_two_products_and_a_view() -> None:
    a, b = torch.ones(2, 3), torch.ones(3, 2)
    assert measure(lambda: a @ b @ a.view(2, 3)) == Dispatch(operators=3, views=1, distinct=2)


def test_a_layer_is_counted_as_it_is_run() -> None:
    layer, x = nn.Linear(3, 4), torch.ones(2, 3)
    with torch.no_grad():
        assert measure(lambda: layer(x)) == Dispatch(operators=2, views=1, distinct=2)
    with torch.inference_mode():
        assert measure(lambda: layer(x)) == Dispatch(operators=1, views=0, distinct=1)


def test_nothing_is_nothing() -> None:
    assert measure(lambda: None) == Dispatch(operators=0, views=0, distinct=0)

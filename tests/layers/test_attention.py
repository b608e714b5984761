"""Attention with dropout against the plain formula."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from emtm.layers import attention
from emtm.layers.attention import attend, merge_heads, split_heads
from emtm.layers.dropout import Dropout, draw_levels, keep, keep_scale
from emtm.layers.masking import key_bias

B, H, L, S, E = 5, 2, 7, 4, 3
MASK = torch.arange(S) < torch.tensor([4, 3, 4, 1, 2]).unsqueeze(1)


def inputs() -> list[Tensor]:
    torch.manual_seed(1)
    shapes = (B, L, H * E), (B, S, H * E), (B, S, H * E)
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def heads(parts: list[Tensor]) -> list[Tensor]:
    return [split_heads(part, H) for part in parts]


@pytest.mark.parametrize("per_chunk", [1, 2, B])
@pytest.mark.parametrize("biased", [True, False])
def test_dropped_attention_is_the_formula(monkeypatch: pytest.MonkeyPatch, per_chunk: int, biased: bool) -> None:
    monkeypatch.setattr(attention, "_CHUNK", per_chunk * H * L * S)
    rate, dropout = 0.3, Dropout(0.3)
    bias = key_bias(MASK, torch.float64) if biased else torch.zeros((), dtype=torch.float64)

    parts = inputs()
    torch.manual_seed(7)
    out = merge_heads(attend(*heads(parts), bias, dropout))
    gradients = torch.autograd.grad(out.square().sum(), parts)

    torch.manual_seed(7)
    sizes = [min(per_chunk, B - start) for start in range(0, B, per_chunk)]
    kept = torch.cat([keep(draw_levels((size, H, L, S)), rate, torch.float64) for size in sizes])
    again = inputs()
    q, k, v = heads(again)
    probability = torch.softmax(q @ k.transpose(2, 3) / E**0.5 + bias, -1)
    expected = merge_heads(probability * kept * keep_scale(rate) @ v)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(gradients, torch.autograd.grad(expected.square().sum(), again))
    assert 0 < kept.mean() < 1


def test_without_dropout_nothing_is_drawn() -> None:
    parts, bias = heads(inputs()), key_bias(MASK, torch.float64)
    state = torch.get_rng_state()
    plain = attend(*parts, bias, Dropout(0.0))
    torch.testing.assert_close(attend(*parts, bias, Dropout(0.5).eval()), plain)
    assert torch.equal(torch.get_rng_state(), state)


def test_padding_keys_get_no_weight_under_dropout() -> None:
    q, k, v = heads(inputs())
    torch.manual_seed(3)
    before = attend(q, k, v, key_bias(MASK, torch.float64), Dropout(0.5))
    torch.manual_seed(3)
    far = torch.where(MASK[:, None, :, None], v, v + 100.0)
    torch.testing.assert_close(attend(q, k, far, key_bias(MASK, torch.float64), Dropout(0.5)), before)

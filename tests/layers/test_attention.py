"""Attention with dropout against the plain formula, and dual attention against one direction at a time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from emtm.layers import attention
from emtm.layers.attention import attend, merge_heads, split_heads
from emtm.layers.dropout import Dropout, draw_levels, keep, keep_scale
from emtm.layers.dual_attention import DualAttention, DualAttentionStack
from emtm.layers.masking import key_bias, mask_logits

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


def one_direction(block: DualAttention, x: Tensor, y: Tensor, mask_x: Tensor, mask_y: Tensor) -> Tensor:
    """The block as SeqPAN describes it: x updated from itself and from y."""
    a, b = block.norm_from(x), block.norm_to(y)
    query = split_heads(block.query(a), block.heads)

    def attended(source: Tensor, key: torch.nn.Module, value: torch.nn.Module, mask: Tensor) -> Tensor:
        k, v = split_heads(key(source), block.heads), split_heads(value(source), block.heads)
        scores = query @ k.transpose(2, 3) / query.shape[-1] ** 0.5 + key_bias(mask)
        return merge_heads(torch.softmax(scores, -1) @ v)

    own = block.self_out(attended(a, block.self_key, block.self_value, mask_x))
    other = block.cross_out(attended(b, block.cross_key, block.cross_value, mask_y))
    mixed = torch.sigmoid(block.self_gate(own)) * other + torch.sigmoid(block.cross_gate(other)) * own
    mixed = block.guided(mixed)
    score = block.score.x(a) + block.score.y(mixed)
    value = block.value.x(a) + block.value.y(mixed)
    x = x + block.out_1(torch.sigmoid(mask_logits(score, mask_x.unsqueeze(2))) * value)
    return x + block.out_2(block.norm_2(x))


def test_dual_attention_updates_both_directions_from_the_same_input() -> None:
    torch.manual_seed(0)
    stack = DualAttentionStack(8, 2).eval()
    for parameter in stack.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    video, query = torch.randn(2, 6, 8), torch.randn(2, 3, 8)
    masks = torch.arange(6) < torch.tensor([[6], [4]]), torch.arange(3) < torch.tensor([[2], [3]])
    expected = video, query
    for block in stack.blocks:
        assert isinstance(block, DualAttention)
        v, q = expected
        expected = one_direction(block, v, q, *masks), one_direction(block, q, v, *masks[::-1])
    torch.testing.assert_close(stack(video, query, *masks), expected)

"""Dual attention against one direction at a time."""

import torch
from torch import Tensor

from emtm.layers.attention import merge_heads, split_heads
from emtm.layers.masking import key_bias, mask_logits
from emtm.layers.span.dual_attention import DualAttention, DualAttentionStack


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

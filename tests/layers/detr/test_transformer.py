import math

import torch
from torch import nn

from emtm.layers.detr.transformer import (
    AttentionLayer,
    MultiHeadAttention,
    clip_places,
    input_projection,
    inverse_sigmoid,
    sine_positions,
)
from emtm.layers.masking import key_bias

from .helpers import DIM, HEADS, HIDDEN, MASK, fused, load_attention, randomised


def test_attention_is_torchs() -> None:
    ours = randomised(MultiHeadAttention(DIM, HEADS, 0.0))
    query, key, value = torch.randn(2, 3, DIM), torch.randn(2, 6, DIM), torch.randn(2, 6, DIM)
    expected = fused(ours)(query, key, value, key_padding_mask=~MASK)[0]
    torch.testing.assert_close(ours(query, key, value, key_bias(MASK)), expected, atol=1e-5, rtol=1e-5)


def test_attention_layer_is_torchs_encoder_layer() -> None:
    ours = randomised(AttentionLayer(DIM, HEADS, HIDDEN, 0.0, nn.ReLU))
    reference = nn.TransformerEncoderLayer(DIM, HEADS, HIDDEN, 0.0, batch_first=True).eval()
    load_attention(reference.self_attn, ours.attention)
    reference.linear1.load_state_dict(ours.feed_forward[0].state_dict())
    reference.linear2.load_state_dict(ours.feed_forward[3].state_dict())
    reference.norm1.load_state_dict(ours.norm_1.state_dict())
    reference.norm2.load_state_dict(ours.norm_2.state_dict())
    x = torch.randn(2, 6, DIM)
    found = ours(x, torch.zeros_like(x), key_bias(MASK))
    expected = reference(x, src_key_padding_mask=~MASK)
    torch.testing.assert_close(found[MASK], expected[MASK], atol=1e-5, rtol=1e-5)


def test_positions_enter_queries_and_keys_alone() -> None:
    """With the same position everywhere and its queries and keys blind, only values could show it."""
    layer = randomised(AttentionLayer(DIM, HEADS, HIDDEN, 0.0, nn.ReLU))
    nn.init.zeros_(layer.attention.query.weight)
    nn.init.zeros_(layer.attention.key.weight)
    x, position = torch.randn(2, 6, DIM), torch.randn(2, 6, DIM)
    torch.testing.assert_close(layer(x, position, key_bias(MASK)), layer(x, torch.zeros_like(x), key_bias(MASK)))


def test_input_projection_ends_without_relu() -> None:
    layers = [type(part).__name__ for part in input_projection(5, 8, 2, 0.1)]
    assert layers == ["LayerNorm", "Dropout", "Linear", "ReLU", "LayerNorm", "Dropout", "Linear"]


def test_sine_positions_are_fractions_of_the_video() -> None:
    found = sine_positions(MASK, 4)
    for row, count in enumerate((6, 4)):
        for clip in range(count):
            angle = (clip + 1) / count * 2 * math.pi
            expected = [math.sin(angle), math.cos(angle), math.sin(angle / 100), math.cos(angle / 100)]
            torch.testing.assert_close(found[row, clip], torch.tensor(expected), atol=1e-5, rtol=0)


def test_clip_places() -> None:
    expected = torch.tensor([[0.0, 0.25], [0.25, 0.5], [0.5, 0.75], [0.75, 1.0], [0.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(clip_places(MASK)[1], expected)


def test_inverse_sigmoid() -> None:
    x = torch.tensor([0.2, 0.5, 0.9])
    torch.testing.assert_close(torch.sigmoid(inverse_sigmoid(x)), x)
    limit = math.log(1e3)
    torch.testing.assert_close(inverse_sigmoid(torch.tensor([0.0, 1.0])), torch.tensor([-limit, limit]))

import pytest
import torch
from torch import nn

from emtm.layers.detr.conditional_decoder import ConditionalDecoder, ConditionalLayer, embed_anchors
from emtm.layers.detr.transformer import (
    inverse_sigmoid,
    sine_positions,
)
from emtm.layers.masking import key_bias

from .helpers import DIM, HEADS, HIDDEN, MASK, randomised


def test_anchor_sinusoids_hold_centre_then_width() -> None:
    found = embed_anchors(torch.tensor([[0.25, 0.5]]), 2)
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.0, 0.0, -1.0]]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("predicted", [True, False])
def test_conditional_decoder_refines_anchors_layer_by_layer(predicted: bool) -> None:
    layers = [ConditionalLayer(DIM, HEADS, HIDDEN, 0.0, nn.ReLU, first=i == 0) for i in range(3)]
    decoder = randomised(ConditionalDecoder(layers, DIM, DIM // 2, predicted=predicted, refine_last=False))
    shift = nn.Linear(DIM, 2)
    nn.init.zeros_(shift.weight)
    shift.bias.data = torch.tensor([1.0, -1.0])
    anchors, memory = torch.rand(2, 5, 2) * 0.5 + 0.25, torch.randn(2, 6, DIM)
    position = sine_positions(MASK, DIM)
    states, given = decoder(torch.zeros(2, 5, DIM), anchors, shift, memory, position, key_bias(MASK))
    assert states.shape == (3, 2, 5, DIM)
    logits = inverse_sigmoid(given)
    torch.testing.assert_close(logits[1] - logits[0], torch.tensor([1.0, -1.0]).expand(2, 5, 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(logits[2] - logits[1], torch.tensor([1.0, -1.0]).expand(2, 5, 2), atol=1e-4, rtol=0)
    changed = memory.clone()
    changed[1, 4:] = 7.0
    again, _ = decoder(torch.zeros(2, 5, DIM), anchors, shift, changed, position, key_bias(MASK))
    torch.testing.assert_close(states, again)

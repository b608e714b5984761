import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from emtm.layers.detr.conditional_decoder import ConditionalDecoder, ConditionalLayer, embed_anchors
from emtm.layers.detr.set_prediction import (
    assign,
    generalized_iou,
    inside_moment,
    label_loss,
    saliency_margin_loss,
    span_losses,
    to_boundaries,
    to_centres,
)
from emtm.layers.detr.transformer import (
    AttentionLayer,
    DecoderLayer,
    MultiHeadAttention,
    clip_places,
    input_projection,
    inverse_sigmoid,
    masked_max,
    sine_positions,
)
from emtm.layers.masking import key_bias
from tests.models.helpers import ragged_batch

DIM, HEADS, HIDDEN = 16, 4, 24
MASK = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])


def randomised(module: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    return module.eval()


def fused(attention: MultiHeadAttention) -> nn.MultiheadAttention:
    """torch's attention with the same weights."""
    reference = nn.MultiheadAttention(DIM, HEADS, batch_first=True)
    _load(reference, attention)
    return reference.eval()


def _load(reference: nn.MultiheadAttention, ours: MultiHeadAttention) -> None:
    parts = (ours.query, ours.key, ours.value)
    reference.in_proj_weight.data = torch.cat([p.weight.data for p in parts])
    reference.in_proj_bias.data = torch.cat([p.bias.data for p in parts])
    reference.out_proj.load_state_dict(ours.out.state_dict())


def test_attention_is_torchs() -> None:
    ours = randomised(MultiHeadAttention(DIM, HEADS, 0.0))
    query, key, value = torch.randn(2, 3, DIM), torch.randn(2, 6, DIM), torch.randn(2, 6, DIM)
    expected = fused(ours)(query, key, value, key_padding_mask=~MASK)[0]
    torch.testing.assert_close(ours(query, key, value, key_bias(MASK)), expected, atol=1e-5, rtol=1e-5)


def test_attention_layer_is_torchs_encoder_layer() -> None:
    ours = randomised(AttentionLayer(DIM, HEADS, HIDDEN, 0.0, nn.ReLU))
    reference = nn.TransformerEncoderLayer(DIM, HEADS, HIDDEN, 0.0, batch_first=True).eval()
    _load(reference.self_attn, ours.attention)
    reference.linear1.load_state_dict(ours.feed_forward[0].state_dict())
    reference.linear2.load_state_dict(ours.feed_forward[3].state_dict())
    reference.norm1.load_state_dict(ours.norm_1.state_dict())
    reference.norm2.load_state_dict(ours.norm_2.state_dict())
    x = torch.randn(2, 6, DIM)
    found = ours(x, torch.zeros_like(x), key_bias(MASK))
    expected = reference(x, src_key_padding_mask=~MASK)
    torch.testing.assert_close(found[MASK], expected[MASK], atol=1e-5, rtol=1e-5)


def test_decoder_layer_is_torchs() -> None:
    ours = randomised(DecoderLayer(DIM, HEADS, HIDDEN, 0.0))
    reference = nn.TransformerDecoderLayer(DIM, HEADS, HIDDEN, 0.0, batch_first=True).eval()
    _load(reference.self_attn, ours.self_attention)
    _load(reference.multihead_attn, ours.cross_attention)
    reference.linear1.load_state_dict(ours.feed_forward[0].state_dict())
    reference.linear2.load_state_dict(ours.feed_forward[3].state_dict())
    for index in (1, 2, 3):
        getattr(reference, f"norm{index}").load_state_dict(getattr(ours, f"norm_{index}").state_dict())
    x, memory = torch.randn(2, 3, DIM), torch.randn(2, 6, DIM)
    found = ours(x, torch.zeros_like(x), memory, memory, key_bias(MASK))
    expected = reference(x, memory, memory_key_padding_mask=~MASK)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


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


def test_masked_max_ignores_padding() -> None:
    x = torch.tensor([[[1.0], [5.0]], [[-2.0], [9.0]]])
    assert masked_max(x, torch.tensor([[True, True], [True, False]])).flatten().tolist() == [5.0, -2.0]


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


def test_spans_to_and_fro() -> None:
    spans = torch.tensor([[0.0, 1.0], [0.2, 0.4]])
    torch.testing.assert_close(to_centres(spans), torch.tensor([[0.5, 1.0], [0.3, 0.2]]))
    torch.testing.assert_close(to_boundaries(to_centres(spans)), spans)


def test_generalized_iou() -> None:
    a, b = torch.tensor([[[0.0, 0.2]], [[0.5, 1.0]]]), torch.tensor([[0.0, 0.3], [0.0, 1.0]])
    torch.testing.assert_close(generalized_iou(a, b), torch.tensor([[2 / 3, 0.2], [-0.2, 0.5]]))
    empty = torch.tensor([0.3, 0.3])
    assert generalized_iou(empty, empty) == 0


def cost(span: Tensor, target: Tensor, logits: Tensor) -> float:
    distance = (span - target).abs().sum()
    overlap = generalized_iou(to_boundaries(span), to_boundaries(target))
    return float(10 * distance - overlap - 4 * logits.softmax(0)[0])


@pytest.mark.parametrize("seed", range(4))
def test_assignment_is_the_cheapest(seed: int) -> None:
    torch.manual_seed(seed)
    spans, targets, logits = torch.rand(3, 4, 2), torch.rand(3, 3, 2), torch.randn(3, 4, 2)
    present = torch.tensor([[True, True, True], [False, True, True], [False, False, False]])
    sample, query, target = assign(spans, targets, present, logits)
    for row in range(3):
        wanted = present[row].nonzero().flatten().tolist()
        cheapest = min(
            itertools.permutations(range(4), len(wanted)),
            key=lambda chosen: sum(
                cost(spans[row, q], targets[row, t], logits[row, q]) for q, t in zip(chosen, wanted, strict=True)
            ),
        )
        mine = sample == row
        found = dict(zip(target[mine].tolist(), query[mine].tolist(), strict=True))
        assert found == dict(zip(wanted, cheapest, strict=True))


def test_more_targets_than_queries() -> None:
    targets = torch.tensor([[[0.1, 0.1], [0.5, 0.2], [0.9, 0.1]]])
    sample, query, target = assign(torch.tensor([[[0.52, 0.2]]]), targets, torch.ones(1, 3, dtype=torch.bool))
    assert (sample.tolist(), query.tolist(), target.tolist()) == ([0], [0], [1])


def test_a_diverged_prediction_is_no_error_of_the_assignment() -> None:
    nan = torch.full((1, 2, 2), torch.nan)
    assert len(assign(nan, torch.rand(1, 1, 2), torch.ones(1, 1, dtype=torch.bool), nan)[0]) == 1


def test_span_losses() -> None:
    spans, targets = torch.tensor([[[0.5, 0.4], [0.1, 0.2]]]), torch.tensor([[[0.5, 0.2]]])
    matched = (torch.tensor([0]), torch.tensor([0]), torch.tensor([0]))
    span, giou = span_losses(spans, targets, matched)
    assert span.item() == pytest.approx(0.1)
    assert giou.item() == pytest.approx(0.5)
    none = torch.zeros(0, dtype=torch.long)
    assert [float(x) for x in span_losses(spans, targets, (none, none, none))] == [0.0, 0.0]


def test_label_loss_weighs_the_background_a_tenth() -> None:
    logits = torch.tensor([[[1.0, 0.0], [2.0, 0.0], [0.0, 0.0]]])
    loss = label_loss(logits, (torch.tensor([0]), torch.tensor([1])))
    right = math.log(1 + math.exp(-2.0))
    wrong = math.log(1 + math.exp(1.0)) + math.log(2.0)
    assert loss.item() == pytest.approx((right + 0.1 * wrong) / 3)


def test_inside_moment() -> None:
    batch = ragged_batch([8, 4], [3, 3])
    assert inside_moment(batch).int().tolist() == [[0, 0, 1, 1, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0, 0, 0]]


def test_saliency_loss_is_the_mean_of_the_published_draw() -> None:
    scores = torch.tensor([[0.1, 0.5, -0.3, 0.4, 99.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    mask = torch.tensor([[True] * 4 + [False], [True] * 5])
    inside = torch.tensor([[False, True, True, False, False], [True] * 5])
    values = scores[0].numpy()
    hinges = [max(0.2 + values[out] - values[into], 0.0) for into in (1, 2) for out in (0, 3)]
    expected = (2 * np.mean(hinges) + 0.0) / 2
    assert saliency_margin_loss(scores, inside, mask).item() == pytest.approx(expected, abs=1e-6)

"""Layers against closed forms and plain loops."""

import pytest
import torch
import torch.nn.functional as F

from emtm.layers.dropout import Dropout
from emtm.layers.encoder import ConvBlock, DepthwiseSeparableConv, SelfAttentionBlock
from emtm.layers.masking import key_bias, mask_logits, pair_bias


def test_depthwise_separable_conv_equals_conv1d() -> None:
    torch.manual_seed(0)
    layer, x = DepthwiseSeparableConv(6, 7), torch.randn(2, 9, 6)
    plain = F.conv1d(x.transpose(1, 2), layer.depthwise, padding=3, groups=6).transpose(1, 2)
    torch.testing.assert_close(layer(x.unsqueeze(1)).squeeze(1), layer.pointwise(plain))


def test_self_attention_equals_a_loop_over_heads() -> None:
    torch.manual_seed(0)
    layer, x = SelfAttentionBlock(8, 2).eval(), torch.randn(1, 5, 8)
    mask = torch.tensor([[True, True, True, False, False]])
    normed = layer.norm_1(x)[0]
    heads = []
    for h in range(2):
        q, k, v = (f(normed)[:, 4 * h : 4 * h + 4] for f in (layer.query, layer.key, layer.value))
        scores = (q @ k.t() / 2.0)[:, :3]
        heads.append(scores.softmax(1) @ v[:3])
    attended = x[0] + torch.cat(heads, 1)
    expected = attended + layer.out(layer.norm_2(attended))
    torch.testing.assert_close(layer(x, key_bias(mask))[0], expected)


def test_pair_bias_makes_padded_rows_uniform() -> None:
    mask = torch.tensor([[True, False]])
    probabilities = torch.softmax(torch.randn(1, 1, 2, 2) + pair_bias(mask, mask), -1)[0, 0]
    assert probabilities[0].tolist() == [1.0, 0.0]
    assert probabilities[1].tolist() == [0.5, 0.5]


def test_masked_logits_never_win() -> None:
    assert torch.softmax(mask_logits(torch.tensor([1.0, 50.0]), torch.tensor([True, False])), 0).tolist() == [1.0, 0.0]


def test_dropout_keeps_the_mean_and_drops_the_rate() -> None:
    torch.manual_seed(0)
    layer, x = Dropout(0.4), torch.ones(300, 1001)
    out = layer(x)
    assert (out == 0).float().mean().item() == pytest.approx(0.4, abs=0.005)
    assert out.mean().item() == pytest.approx(1.0, abs=0.01)
    assert set(out.unique().tolist()) == {0.0, out.max().item()}
    # Neighbours share a 64-bit draw and must still be independent.
    kept = (out.flatten()[: 8 * 37_500] > 0).float().reshape(-1, 8)
    assert (torch.corrcoef(kept.t()) - torch.eye(8)).abs().max() < 0.02
    assert layer.eval()(x) is x


def test_dropout_refuses_a_rate_of_one() -> None:
    with pytest.raises(ValueError, match="rate"):
        Dropout(1.0)


@pytest.mark.parametrize("dtype", [torch.bool, torch.float32, torch.long])
def test_logits_without_padding_are_as_they_were(dtype: torch.dtype) -> None:
    logits = torch.tensor([[-0.0, 3.0, torch.inf], [-torch.inf, 1e-40, -7.0]])
    assert mask_logits(logits, torch.ones(2, 3, dtype=dtype)) is logits
    masked = mask_logits(torch.ones(2, 3), torch.tensor([[1, 1, 0], [1, 1, 1]]).to(dtype))
    assert torch.equal(masked, torch.tensor([[1.0, 1.0, -1e30], [1.0, 1.0, 1.0]]))


def test_convolutions_without_padding_are_those_of_a_padded_batch() -> None:
    torch.manual_seed(0)
    block, x, mask = ConvBlock(8), torch.randn(1, 9, 8), torch.ones(1, 9, dtype=torch.bool)
    longer = F.pad(x, (0, 0, 0, 5), value=3.0)
    torch.testing.assert_close(block(x, mask), block(longer, F.pad(mask, (0, 5)))[:, :9])


def test_what_is_traced_masks_padding_that_the_example_did_not_have() -> None:
    with torch.no_grad():
        trace = torch.jit.trace(mask_logits, (torch.ones(2), torch.ones(2, dtype=torch.bool)))
    assert torch.equal(trace(torch.ones(2), torch.tensor([True, False])), torch.tensor([1.0, -1e30]))

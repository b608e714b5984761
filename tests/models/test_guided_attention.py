"""What comes before and after each clip, in both forms, and the guided query."""

import torch

from baselines.emb.guided_attention import GuidedAttention, dense_context, running_context
from emtm.layers.masking import key_bias


def test_context_of_a_known_sequence() -> None:
    x = torch.tensor([[[1.0], [-3.0], [2.0], [9.0]]])
    before, after = running_context(x, torch.tensor([[True, True, True, False]]))
    # The last clip is padding: nothing sees it, and it sees nothing.
    assert before.flatten().tolist() == [0.0, 1.0, 1.0, 0.0]
    assert after.flatten().tolist() == [2.0, 2.0, 0.0, 0.0]


def test_running_maxima_equal_the_published_form() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 9, 3) - 2.0
    mask = torch.arange(9) < torch.tensor([9, 1, 5, 2])[:, None]
    for running, dense in zip(running_context(x, mask), dense_context(x, mask), strict=True):
        assert torch.equal(running, dense)


def test_running_maxima_have_the_published_gradient() -> None:
    torch.manual_seed(0)
    mask = torch.arange(6) < torch.tensor([6, 3])[:, None]
    weight = torch.randn(2, 6, 2)
    gradients = []
    for context in (running_context, dense_context):
        x = torch.arange(24.0).view(2, 6, 2).sin().requires_grad_()
        before, after = context(x, mask)
        ((before - 2 * after) * weight).sum().backward()
        gradients.append(x.grad)
    torch.testing.assert_close(gradients[0], gradients[1])


def test_guides_change_the_query_alone_when_attending_elsewhere() -> None:
    torch.manual_seed(0)
    layer = GuidedAttention(8, 2, guide_width=1).eval()
    x, source = torch.randn(1, 4, 8), torch.randn(1, 3, 8)
    bias = key_bias(torch.ones(1, 3, dtype=torch.bool))
    guides = torch.randn(1, 4, 8), torch.randn(1, 4, 8)
    with torch.no_grad():
        assert not torch.allclose(layer(x, bias, source), layer(x, bias, source, guides))
        # Where there is one key, every query finds the same.
        lone = bias[..., :1]
        torch.testing.assert_close(layer(x, lone, source[:, :1]), layer(x, lone, source[:, :1], guides))

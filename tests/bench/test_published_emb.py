"""EMB's parameters and multiply-adds equal the published code's, and what its prediction needs of them."""

import pytest
import torch
from torch import Tensor, nn

from bench.backends.eager import staged_run, tensors_of
from bench.instruments.crosscheck import crosscheck
from bench.missing import Missing
from bench.static import analyse_model
from bench.subjects import Shape, make_batch
from tests.models.helpers import paper_model

D, V, W, L, P = 128, 1024, 300, 128, 256

# words, characters known, width of their vectors; parameters, unreachable ones (M), fvcore's "FLOPs" and exact
# MACs (G), measured on the published code.
PUBLISHED = {
    "charades-sta": (10, 36, 50, 2.217, 0.7304, 0.2868, 0.3528),
    "activitynet-captions": (25, 55, 100, 2.235, 0.7490, 0.2997, 0.3702),
    "tacos": (20, 45, 50, 2.217, 0.7309, 0.2954, 0.3624),
}


def attention(a: int, b: int, guide: int = 0) -> int:
    """`a` positions attend to `b`; the guide's depthwise convolution covers three features of `guide` positions."""
    guiding = a * D * (3 * guide + D) if guide else 0
    return a * D * D + 2 * b * D * D + 2 * a * b * D + 2 * a * D * D + guiding


def fusion(a: int, b: int, official: bool) -> int:
    product = a * a * (b + D) if official else 2 * a * b * D
    return a * D + b * D + 2 * a * b * D + product + 4 * a * D * D + 2 * b * D + 2 * a * D * D


def frame_branch(words: int, official: bool) -> int:
    frames = 2 * attention(L, L, 7) + attention(L, words, 7)
    text = 2 * attention(words, words) + attention(words, L)
    predictor = 2 * 16 * L * D * D + 2 * 2 * L * D * D + 2 * (2 * L * D * D + L * D)
    decoding = L * L if official else 0
    return L * V * D + words * W * D + frames + text + fusion(L, words, official) + L * D + predictor + decoding


def waste(words: int, char_dim: int) -> int:
    """The proposal branch and the characters that nothing reads."""
    proposals = 2 * attention(P, P, 1) + attention(P, words, 1)
    text = attention(words, P) + attention(words, words)
    ranker = 9 * P * D * D + P * D + 9 * P
    filters = zip((1, 2, 3, 4), (10, 20, 30, 40), strict=True)
    characters = words * sum((10 - k + 1) * k * char_dim * n for k, n in filters)
    return proposals + text + fusion(P, words, True) + ranker + characters


@pytest.mark.parametrize("dataset", PUBLISHED)
def test_published_parameters_and_macs(dataset: str) -> None:
    words, chars, char_dim, parameters, unreachable, _, macs = PUBLISHED[dataset]
    model = paper_model("emb", dataset, chars)
    counts = analyse_model(model, make_batch(Shape(L, words, 10, 7, chars), V, 1))
    assert counts.params.trainable / 1e6 == pytest.approx(parameters, abs=5e-4)
    assert counts.params.unreachable / 1e6 == pytest.approx(unreachable, abs=2e-4)
    assert counts.compute.macs == frame_branch(words, True) + waste(words, char_dim)
    assert counts.compute.macs / 1e9 == pytest.approx(macs, abs=5e-5)


@pytest.mark.parametrize("dataset", PUBLISHED)
def test_default_inference_needs_less_than_half(dataset: str) -> None:
    words, chars, *_, macs = PUBLISHED[dataset]
    model = paper_model("emb", dataset, chars, official=False)
    counts = analyse_model(model, make_batch(Shape(L, words, 10, 7, chars), V, 1))
    assert counts.compute.macs == frame_branch(words, False)
    assert counts.compute.macs / 1e9 < macs / 2
    assert counts.params.unreachable == 0
    published = paper_model("emb", dataset, chars)
    dead = sum(p.numel() for part in (published.branch, published.characters) for p in part.parameters())
    assert counts.params.trainable == sum(p.numel() for p in published.parameters()) - dead


class _Everything(nn.Module):
    """Returns what the published forward pass returns, so that a tracer keeps it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, video: Tensor, video_mask: Tensor, words: Tensor, chars: Tensor, duration: Tensor) -> object:
        encoded = self.model.encode_video(video, video_mask)
        output = self.model.ground(encoded, self.model.encode_query(words, chars))
        return output.start_logits, output.end_logits, output.rank_logits, self.model.moments(output, duration)


@pytest.mark.parametrize("dataset", PUBLISHED)
def test_fvcore_says_what_was_published(dataset: str) -> None:
    """It sees neither the LSTMs nor the characters, whose result is unused."""
    words, chars, *_, published, macs = PUBLISHED[dataset]
    model = paper_model("emb", dataset, chars)
    batch = make_batch(Shape(L, words, 10, 7, chars), V, 1)
    answer = crosscheck(model, staged_run(model, batch), _Everything(model), tensors_of(batch), round(macs * 1e9))
    assert not isinstance(answer.fvcore_macs, Missing)
    assert answer.fvcore_macs / 1e9 == pytest.approx(published, abs=5e-5)
    assert answer.explained_macs == {"aten::lstm": 2 * 16 * L * D * D}


def test_default_and_published_spans_agree() -> None:
    """The saving costs nothing: same weights, same moments."""
    published = paper_model("emb", "charades-sta", 36)
    default = paper_model("emb", "charades-sta", 36, official=False)
    default.load_state_dict({k: v for k, v in published.state_dict().items() if k in default.state_dict()})
    batch = make_batch(Shape(L, 10, 10, 7, 36), V, 1)
    with torch.no_grad():
        moments = [model.moments(model(batch), batch.duration_s) for model in (published, default)]
    torch.testing.assert_close(*moments)

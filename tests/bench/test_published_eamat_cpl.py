"""Parameters and multiply-adds of EAMAT and CPL equal the published code's, by closed form and as measured."""

import dataclasses

import pytest
import torch

from bench.backends.eager import predictions, staged_run
from bench.instruments.flops import operators, plain, summarise
from bench.instruments.params import count_params
from bench.static import Static, analyse_model
from bench.subjects import Shape, make_batch
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.data.text import Lexicon
from emtm.registry import model_class, preset
from tests.models.helpers import paper_model

D, W = 512, 300

# clips, words, feature width, early blocks; trainable parameters (M) and exact MACs (G) as measured on the published
# code.
EAMAT = {
    "charades-sta": (64, 10, 1024, 3, 94.12, 5.087),
    "activitynet-captions": (128, 25, 500, 1, 91.22, 9.936),
    "tacos": (128, 20, 4096, 1, 93.06, 10.08),
}
DEAD = D * 256 + 256 + 256 * 3 + 3, D * 256 + 256 + 256 + 1
"""Weights of the entity predictor, which nothing calls, and of the inside predictor."""


def eamat(dataset: str, *, official: bool) -> tuple[AnyModel, Batch]:
    clips, words, width, *_ = EAMAT[dataset]
    model = paper_model("eamat", dataset, 36, official=official)
    return model, make_batch(Shape(clips, words, 10, 7, 36), width, 1)


def lstm_macs(length: int) -> int:
    """Of one LSTM block: three projections of three strides, each in two directions over all phases."""
    steps = sum(length // stride * stride for stride in (1, 2, 3))
    return 3 * 2 * steps * 4 * 256 * (D + 256)


def block(length: int, *, recurrent: bool) -> int:
    projections = lstm_macs(length) + 3 * length * 3 * D * D if recurrent else 3 * length * D * D
    return projections + 2 * length * length * D + 2 * length * D * D


def fusion(a: int, b: int, *, official: bool) -> int:
    product = a * a * (b + D) if official else 2 * a * b * D
    return a * D + b * D + 2 * a * b * D + product + 4 * a * D * D


def video_macs(clips: int, width: int) -> int:
    return clips * width * D + block(clips, recurrent=False) + block(clips, recurrent=True)


def eamat_macs(dataset: str, *, official: bool) -> int:
    clips, words, width, early, *_ = EAMAT[dataset]
    text = words * W * D + block(words, recurrent=True)
    blocks = early * block(clips, recurrent=False) + 3 * block(clips, recurrent=True)
    heads = (4 if official else 3) * clips * 256 * (D + 1)
    decoding = clips * clips if official else 0
    return video_macs(clips, width) + text + 2 * fusion(clips, words, official=official) + blocks + heads + decoding


@pytest.mark.parametrize("dataset", EAMAT)
def test_eamat_as_published(dataset: str) -> None:
    *_, parameters, macs = EAMAT[dataset]
    model, batch = eamat(dataset, official=True)
    params = count_params(model, lambda: predictions(model, batch))
    assert params.trainable / 1e6 == pytest.approx(parameters, abs=5e-3)
    assert params.unreachable == sum(DEAD) == 263_684
    # Whole LSTMs, by their formula: unrolled, as the canonical count has them, they take ten times as long.
    counted = summarise(operators(model, staged_run(model, batch), dict(model.stages), plain)).macs
    assert counted == eamat_macs(dataset, official=True)
    assert counted / 1e9 == pytest.approx(macs, abs=5e-3)


def test_eamat_without_waste() -> None:
    """About a quarter is the video's alone, which a cache saves; three quarters are LSTMs, which fvcore cannot see."""
    counts = analyse_model(*eamat("charades-sta", official=False))
    assert counts.compute.macs == eamat_macs("charades-sta", official=False)
    assert counts.params.unreachable == 0
    assert counts.params.trainable == 94_121_479 - sum(DEAD)
    stages = counts.compute.by_stage
    video = stages["video_proj"].macs + stages["video_encode"].macs
    assert video == video_macs(64, 1024)
    assert video / 1e9 == pytest.approx(1.212, abs=5e-4)
    unseen = 4 * lstm_macs(64) + lstm_macs(10)
    assert counts.crosscheck.explained_macs == {"aten::lstm": unseen}
    assert counts.crosscheck.unexplained_macs == 0
    assert unseen / counts.compute.macs == pytest.approx(0.74, abs=5e-3)


# words, vocabulary, published parameters (M), those that no proposal depends on (M).
CPL = {"charades-sta": (10, 1112, 5.376, 1.077), "activitynet-captions": (20, 8001, 7.011, 2.848)}


def cpl(dataset: str, *, official: bool, negatives: bool = True) -> AnyModel:
    config = dataclasses.replace(preset("cpl", dataset).config, official=official, negatives=negatives)
    return model_class("cpl")(config, Lexicon(torch.zeros(9000, W), 36)).eval()


def analyse_cpl(dataset: str, model: AnyModel) -> Static:
    return analyse_model(model, make_batch(Shape(200, CPL[dataset][0], 10, 50, 36), model.config.feature_dim, 1))


@pytest.mark.parametrize("dataset", CPL)
def test_cpl_parameters(dataset: str) -> None:
    words, vocabulary, total, reconstruction = CPL[dataset]
    model = cpl(dataset, official=True)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(total, abs=5e-4)
    assert model.vocabulary.out_features == vocabulary
    batch = make_batch(Shape(200, words, 10, 50, 36), model.config.feature_dim, 1)
    model(batch).spans.sum().backward()
    dead = sum(p.numel() for p in model.parameters() if p.grad is None)
    assert dead / 1e6 == pytest.approx(reconstruction, abs=5e-4)


@pytest.mark.parametrize(
    ("dataset", "official", "negatives", "macs"),
    [
        ("charades-sta", True, True, 3.675),
        ("charades-sta", True, False, 1.541),
        ("charades-sta", False, True, 1.541),
        ("activitynet-captions", True, False, 2.010),
    ],
)
def test_cpl_macs(dataset: str, official: bool, negatives: bool, macs: float) -> None:
    counts = analyse_cpl(dataset, cpl(dataset, official=official, negatives=negatives))
    assert counts.compute.macs / 1e9 == pytest.approx(macs, abs=5e-4)
    assert counts.params.unreachable == 0

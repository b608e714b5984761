"""Parameters and exact MACs of the moment-map models equal those measured on their published code."""

import dataclasses
from collections.abc import Callable

import pytest
import torch

from bench.backends.eager import staged_run
from bench.cases import PAPER
from bench.instruments.flops import canonical, operators, plain, summarise
from bench.subjects import Shape, make_batch
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.data.text import Lexicon
from emtm.registry import model_class, preset

# Parameters without the word table in M, exact GMAC; then the GMAC that default inference needs.
PUBLISHED = [
    ("tan2d", "charades-sta", {}, 60.93, 52.25, 29.99),
    ("tan2d", "charades-sta", {"proposals": "conv"}, 69.06, 52.32, 30.06),
    ("tan2d", "activitynet-captions", {}, 91.59, 498.7, 310.3),
    ("tan2d", "activitynet-captions", {"proposals": "conv"}, 108.6, 499.2, 310.9),
    ("tan2d", "tacos", {}, 60.93, 1066.5, 594.4),
    ("cca", "activitynet-captions", {}, 79.50, 137.2, 50.86),
    ("cca", "tacos", {}, 22.57, 151.2, 87.15),
    ("ban-apr", "charades-sta", {}, 34.65, 10.82, 1.833),
    ("ban-apr", "activitynet-captions", {}, 45.67, 13.98, 3.406),
    ("ban-apr", "tacos", {}, 45.67, 30.36, 9.403),
]


def subject(name: str, dataset: str, device: str, **changes: object) -> tuple[AnyModel, Batch]:
    text, kind = PAPER[dataset], model_class(name)
    config = dataclasses.replace(preset(name, dataset).config, **changes)
    with torch.device(device):
        model = kind(config, Lexicon(torch.zeros(5, config.word_dim), text.char_vocabulary)).eval()
    batch = make_batch(Shape(config.max_clips, text.num_words, 10, 7, text.char_vocabulary), 1, 1).to(device)
    video = torch.zeros(1, config.max_clips, config.feature_dim, device=device)
    return model, dataclasses.replace(batch, video=video)


def count(model: AnyModel, batch: Batch, mode: Callable[[], object]) -> float:
    """GMAC; every operator that ran has a known cost."""
    compute = summarise(operators(model, staged_run(model, batch), dict(model.stages), mode))
    assert compute.coverage.ops_uncounted == ()
    return compute.macs / 1e9


@pytest.mark.parametrize(("name", "dataset", "changes", "millions", "official", "default"), PUBLISHED)
def test_parameters_and_macs(
    name: str, dataset: str, changes: dict[str, object], millions: float, official: float, default: float
) -> None:
    # Shapes alone decide, and a thousand GMAC are not run for a test; BAN-APR's long LSTMs unroll
    # slowly without data, and are run with the fused kernel, whose cost is known too.
    device, mode = ("cpu", plain) if name == "ban-apr" else ("meta", canonical)
    model, batch = subject(name, dataset, device, official=True, **changes)
    trainable = sum(p.numel() for p in model.parameters())
    assert f"{trainable / 1e6:.4g}" == f"{millions:.4g}"
    assert count(model, batch, mode) == pytest.approx(official, rel=1e-3)
    model, batch = subject(name, dataset, device, **changes)
    assert sum(p.numel() for p in model.parameters()) <= trainable
    assert count(model, batch, mode) == pytest.approx(default, rel=1e-3)


def test_a_cached_video_leaves_cca_a_thousandth() -> None:
    """What a query costs once its video is encoded: the BiLSTM and little else."""
    model, batch = subject("cca", "activitynet-captions", "meta", official=True)
    stages = summarise(operators(model, staged_run(model, batch), dict(model.stages))).by_stage
    query = sum(cost.macs for stage, cost in stages.items() if not stage.startswith("video"))
    assert query / 1e9 == pytest.approx(0.11, abs=5e-3)

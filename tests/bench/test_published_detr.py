"""Parameters and multiply-adds of the DETR family, as measured on the published code and by closed form."""

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.static import analyse_model
from bench.subjects import Shape, make_batch
from emtm.contract import AnyModel
from tests.models.helpers import paper_model

D, FF, VIDEO, TEXT, QUERIES = 256, 1024, 2818, 512, 10
# Clips, and words of the 95th percentile with the two special tokens of CLIP.
WORKLOAD = {"charades-sta": (75, 12), "activitynet-captions": (75, 27), "tacos": (150, 22)}
PUBLISHED: list[tuple[str, str, dict[str, Any], float, float]] = [
    ("moment-detr", "charades-sta", {}, 4.823, 0.2508),
    ("moment-detr", "activitynet-captions", {}, 4.823, 0.2843),
    ("moment-detr", "tacos", {}, 4.841, 0.4912),
    ("qd-detr", "charades-sta", {}, 7.586, 0.6528),
    ("qd-detr", "activitynet-captions", {}, 7.586, 0.6659),
    ("qd-detr", "tacos", {}, 7.603, 1.262),
    ("eatr", "charades-sta", {}, 6.866, 0.3180),
    ("eatr", "charades-sta", {"pseudo_events": False}, 6.866, 0.3020),
    ("eatr", "activitynet-captions", {}, 6.866, 0.3536),
    ("eatr", "activitynet-captions", {"pseudo_events": False}, 6.866, 0.3376),
    ("eatr", "tacos", {"pseudo_events": False}, 6.884, 0.5650),
]


def count(model: AnyModel, clips: int, words: int) -> int:
    """Multiply-adds of one grounded query, decoding included."""
    mask, ids = torch.ones(1, clips, dtype=torch.bool), torch.full((1, words), 2)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        video = model.encode_video(torch.randn(1, clips, model.config.feature_dim), mask)
        model.moments(model.ground(video, model.encode_query(ids, ids)), torch.ones(1))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize(("name", "dataset", "settings", "millions", "billions"), PUBLISHED)
def test_published_figures(name: str, dataset: str, settings: dict[str, Any], millions: float, billions: float) -> None:
    model = paper_model(name, dataset, 36, **settings)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=5e-4)
    assert count(model, *WORKLOAD[dataset]) / 1e9 == pytest.approx(billions, rel=4e-4)


def projections(clips: int, words: int) -> int:
    return clips * (VIDEO * D + D * D) + words * (TEXT * D + D * D)


def attention_layer(queries: int, keys: int) -> int:
    return 2 * queries * D * D + 2 * keys * D * D + 2 * queries * keys * D + 2 * queries * D * FF


def decoder_layer(keys: int) -> int:
    among = 4 * QUERIES * D * D + 2 * QUERIES * QUERIES * D
    return among + attention_layer(QUERIES, keys)


SPAN_HEAD = QUERIES * (2 * D * D + 2 * D)
HEADS = SPAN_HEAD + QUERIES * 2 * D


@pytest.mark.parametrize("dataset", WORKLOAD)
def test_moment_detr_by_closed_form(dataset: str) -> None:
    clips, words = WORKLOAD[dataset]
    layers = 2 * attention_layer(clips + words, clips + words) + 2 * decoder_layer(clips + words)
    shared = projections(clips, words) + layers
    assert count(paper_model("moment-detr", dataset, 36), clips, words) == shared + 2 * HEADS + clips * D
    assert count(paper_model("moment-detr", dataset, 36, official=False), clips, words) == shared + HEADS


def conditional_layer(keys: int, first: bool) -> int:
    among = 6 * QUERIES * D * D + 2 * QUERIES * QUERIES * D
    projected = (4 if first else 3) * QUERIES * D * D + 3 * keys * D * D
    return among + projected + 3 * QUERIES * keys * D + 2 * QUERIES * D * FF


@pytest.mark.parametrize("dataset", WORKLOAD)
def test_qd_detr_by_closed_form(dataset: str) -> None:
    clips, words = WORKLOAD[dataset]
    encoded = 2 * attention_layer(clips, words) + 2 * attention_layer(clips + 1, clips + 1)
    anchored = 2 * QUERIES * (2 * D * D + D * D + D) + QUERIES * 2 * D * D
    decoded = conditional_layer(clips, True) + conditional_layer(clips, False) + anchored + SPAN_HEAD
    saliency = (clips + 1) * D * D
    official = projections(clips, words) + 2 * (encoded + decoded + SPAN_HEAD + saliency) + 2 * HEADS
    assert count(paper_model("qd-detr", dataset, 36), clips, words) == official
    default = projections(clips, words) + encoded + decoded + HEADS
    assert count(paper_model("qd-detr", dataset, 36, official=False), clips, words) == default


@pytest.mark.parametrize("clips", [75, 150])
def test_pseudo_events_cost_their_similarities(clips: int) -> None:
    with_events, without = (
        count(paper_model("eatr", "tacos", 36, pseudo_events=events), clips, 12) for events in (True, False)
    )
    assert with_events - without == clips * clips * (VIDEO + 25)


@pytest.mark.parametrize(("name", "dead"), [("moment-detr", 8_961), ("qd-detr", 140_288)])
def test_the_harness_counts_the_same(name: str, dead: int) -> None:
    model = paper_model(name, "charades-sta", 36)
    clips, words = WORKLOAD["charades-sta"]
    found = analyse_model(model, make_batch(Shape(clips, words, 10, 7, 36), 2816, 1))
    assert found.compute.macs == count(model, clips, words)
    assert found.params.unreachable == dead


@pytest.mark.parametrize("name", ["moment-detr", "qd-detr", "eatr"])
def test_default_mode_computes_less_and_nothing_dead(name: str) -> None:
    clips, words = WORKLOAD["charades-sta"]
    default = paper_model(name, "charades-sta", 36, official=False)
    assert count(default, clips, words) < count(paper_model(name, "charades-sta", 36), clips, words)
    assert analyse_model(default, make_batch(Shape(clips, words, 10, 7, 36), 2816, 1)).params.unreachable == 0

"""2D-TAN against its code (`tan2d_*`), and its targets, losses and decoding (`labels_tan2d_*`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emtm.data.text import Lexicon
from emtm.layers.map.moment_map import map_loss, moment_iou
from emtm.layers.nms import best_moments
from emtm.metrics.iou import temporal_iou
from emtm.parity.building import Recorder, build, load
from emtm.parity.fixture import Array, Check, Fixture, Row

NAME = "tan2d"

_RENAMED = (
    ("frame_layer.vis_conv", "frame"),
    ("fusion_layer.textual_encoder", "query_encoder"),
    ("fusion_layer.tex_linear", "query_projection"),
    ("fusion_layer.vis_conv", "map_projection"),
    ("map_layer.convs", "map_conv.convs"),
    ("pred_layer", "score"),
)


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    if fixture.describes("2D-TAN"):
        return check_tan2d
    if fixture.marked_by("iou_map", "best_index", "loss_03_07_bias01"):
        return check_labels
    return None


def check_tan2d(fixture: Fixture) -> Iterator[Row]:
    """Every stage, the score map and the loss, in published order and with what scores need alone."""
    fixture.sized(V="vdim", W="txt")
    for official in (True, False):
        model = _build(fixture, official)
        recorder = Recorder(model, "frame", "map_projection", "map_conv")
        words = fixture.tensor("input::textual_mask", "BT1")[..., 0] > 0
        video = fixture.features("input::visual_input", "BLV")
        encoded = model.encode_video(video, torch.ones(video.shape[:2], dtype=torch.bool))
        ids = torch.arange(words.numel()).view(words.shape) + 2
        output = model.ground(encoded, model.encode_query(ids * words, ids))
        grid, config = model.grid, fixture.config()
        probabilities = model.probabilities(output)
        target = grid.pick(fixture.features("input::map_gt", "B1NN")[:, 0])
        candidates = recorder.inputs["map_projection"][0]
        frames = torch.relu(recorder.outputs["frame"]).transpose(1, 2)
        ours = {
            "frame_feat": torch.nn.functional.avg_pool1d(frames, config["stride"]),
            "prop_map": (candidates if official else grid.spread(candidates)).permute(0, 3, 1, 2),
            "fused_map": recorder.inputs["map_conv"][0],
        }
        suffix = "" if official else " (default)"
        for name, value in ours.items():
            yield fixture.row(NAME, name + suffix, value, fixture[f"extra::{name}"])
        maps = {
            "prediction": grid.spread(output.logits),
            "map_mask": grid.mask.expand(len(video), -1, -1),
            "joint_prob": grid.spread(probabilities),
        }
        for name, value in maps.items():
            yield fixture.row(NAME, name + suffix, value.unsqueeze(1), fixture[f"output::{name}"])
        loss = map_loss(output.logits, target, config["mi"], config["ma"])
        yield fixture.row(NAME, "loss" + suffix, loss, fixture["output::loss"])


def _build(fixture: Fixture, official: bool) -> Any:
    config = fixture.config()
    words = fixture.features("input::textual_input", "BTW")
    first, *rest = config["scale"]
    settings: dict[str, Any] = {
        "feature_dim": config["vdim"],
        "word_dim": config["txt"],
        "max_clips": config["pre"],
        "map_clips": config["pre"] // config["stride"],
        "pooling_counts": (first - 1, *rest),
        "max_words": words.shape[1],
        "dim": config["H"],
        "kernel": config["K"],
        "layers": config["Lyr"],
        "query_layers": config["nl"],
        "proposals": config["kind"],
        "min_iou": config["mi"],
        "max_iou": config["ma"],
        "normalize_features": False,
        "official": official,
    }
    model = build(fixture, NAME, settings, Lexicon(words.flatten(0, 1), 4))
    load(fixture, model, {**dict(_translate(fixture, config["scale"])), "words.vectors": words.flatten(0, 1)})
    return model.eval()


def _translate(fixture: Fixture, scales: list[int]) -> Iterator[tuple[str, Tensor]]:
    for key in fixture.arrays:
        if not key.startswith("param::"):
            continue
        name, value = key.removeprefix("param::"), fixture.tensor(key)
        if name.startswith("prop_layer.layers."):
            scale, layer, kind = name.split(".")[2:]
            name = f"proposals.convs.{sum(scales[: int(scale)]) + int(layer)}.{kind}"
        for theirs, ours in _RENAMED:
            name = name.replace(theirs, ours)
        pointwise = name in ("frame.weight", "map_projection.weight", "score.weight")
        yield name, value.flatten(1) if pointwise else value


def check_labels(fixture: Fixture) -> Iterator[Row]:
    """IoU maps, losses under three scalings, the order of all cells, and what suppression leaves."""
    size = fixture.size("num_clips", "N")
    duration, moments = fixture.tensor("durations", "Q"), fixture.tensor("timestamps", "Q2")
    positions = torch.arange(size)
    cells = torch.stack(torch.meshgrid(positions, positions, indexing="ij"), 2)
    iou = moment_iou(cells, size, moments, duration)
    best = iou.flatten(1).argmax(1)
    yield fixture.row(NAME, "iou_map", iou, fixture["iou_map"])
    yield fixture.row(NAME, "best_index", torch.stack([best // size, best % size], 1), fixture["best_index"])
    scores, mask = fixture.features("scores", "Q1NN")[:, 0], fixture.tensor("mask", "Q1NN")[:, 0]
    probabilities = torch.sigmoid(scores) * mask
    yield fixture.row(NAME, "joint_prob", probabilities.unsqueeze(1), fixture["joint_prob"])
    for name, scaling in {
        "loss_05_10": (0.5, 1.0),
        "loss_03_07": (0.3, 0.7),
        "loss_03_07_bias01": (0.3, 0.7, 0.1),
    }.items():
        loss = map_loss(scores[mask > 0], iou[mask > 0].float(), *scaling)
        yield fixture.row(NAME, name, loss, fixture[name])
    upper = cells[cells[..., 0] <= cells[..., 1]]
    # Backwards, so that the last of equal scores comes first, as in the published order.
    spans = torch.stack([upper[:, 0], upper[:, 1] + 1], 1).flip(0)
    for query, length in enumerate(duration.tolist()):
        order = probabilities[query][upper[:, 0], upper[:, 1]].flip(0)
        times = (spans.float() / size * length).unsqueeze(0)
        ranks = order.argsort(descending=True, stable=True)
        reference = fixture[f"sorted_times_{query}"]
        ranked = order[ranks].numpy()
        ours, theirs = _canonical(times[0, ranks].numpy(), ranked), _canonical(reference, ranked)
        yield fixture.row(NAME, f"sorted_times_{query}", ours, theirs)
        top = fixture[f"nms_top5_{query}"]
        kept = best_moments(times, order.unsqueeze(0), fixture.scalar("nms_thresh"), len(top))[0, :, :2]
        yield fixture.row(NAME, f"nms_top5_{query}", kept, top)
        overlap = temporal_iou(kept.double().numpy(), moments[query].numpy())
        yield fixture.row(NAME, f"nms_top5_iou_{query}", overlap[:, None], fixture[f"nms_top5_iou_{query}"])


def _canonical(times: Array, scores: Array) -> Array:
    """Moments in the order of falling scores, those of equal score by time: their order is left open."""
    return times[np.lexsort((times[:, 1], times[:, 0], -scores))]

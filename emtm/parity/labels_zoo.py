"""Targets, losses and decoding of TSGVZoo (`labels_zoo_*`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import torch

from emtm.data.boundary_labels import boundary_distribution
from emtm.data.labels import match_labels
from emtm.data.resampling import Resampling, resample
from emtm.errors import UserError
from emtm.layers.map.moment_map import map_loss, moment_iou
from emtm.layers.span.decoding import decode_spans, joint_probability, span_probabilities
from emtm.parity.building import model_module
from emtm.parity.fixture import Array, Check, Fixture, Row
from emtm.parity.zoo_losses import gaussian_span_loss, unit_divergence
from emtm.parity.zoo_targets import clips_to_fractions, marked_clips, marked_span, sparse_moments

NAME = "tsgvzoo"
_SIGMA, _PEAK = 0.1, 0.8
_IOU = 0.5, 1.0
_EXTENSION = 1
_SOFT = "soft_loc_loss_T"


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    return check_labels if fixture.marked_by("NER_label", "label_2D", "infer2d_frac") else None


def check_labels(fixture: Fixture) -> Iterator[Row]:
    """Every array that is not an input."""
    ours = {**_targets(fixture), **_losses(fixture), **_decoded(fixture)}
    for name, value in ours.items():
        yield fixture.row(NAME, name, value, fixture[name])
    for name in fixture.arrays:
        if found := re.fullmatch(r"interp_out_(\d+)", name):
            clips = resample(fixture.array("interp_in", ".."), int(found[1]), "zoo-samelen")
            yield fixture.row(NAME, name, clips, fixture[name])


def _targets(fixture: Fixture) -> dict[str, object]:
    length, rows = fixture.size("max_vlen", "L"), fixture.ids("raw_len", "B").tolist()
    fractions = fixture.array("se_frac", "B2")
    fixture.array("label_2D", "BLL")
    if fractions.min() < 0 or (fractions[:, 1] < fractions[:, 0]).any() or fractions.max() > 1:
        raise UserError(f"{fixture.name}: 'se_frac' holds other spans than such within a video")
    marks = [marked_clips(f, n, length, _rule(fixture)) for f, n in zip(fractions, rows, strict=True)]
    spans = torch.tensor([marked_span(m) for m in marks])
    clips = torch.tensor([len(m) for m in marks])
    position = torch.arange(length)
    cells = torch.stack(torch.meshgrid(position, position, indexing="ij"), 2)
    shares = torch.from_numpy(fractions).float()
    return {
        "sampled_len": clips,
        "sampled_label": np.stack([np.pad(m, (0, length - len(m))) for m in marks]),
        "se_index": spans,
        "vmask": position < clips.unsqueeze(1),
        "label_1D": boundary_distribution(spans, length, _SIGMA, _PEAK),
        "NER_label": match_labels(spans[:, 0], spans[:, 1], clips, length, _EXTENSION),
        "label_2D": moment_iou(cells, length, shares, torch.ones(len(rows))),
        "mask2d": sparse_moments(length),
    }


def _losses(fixture: Fixture) -> dict[str, object]:
    mask = fixture.tensor("vmask", "BL") > 0
    logits = fixture.features("slogits", "BL"), fixture.features("elogits", "BL")
    start, end = fixture.features("label_1D", "B2L").unbind(1)
    # The temperature is part of the array's name.
    soft = next((name for name in fixture.arrays if name.startswith(_SOFT)), f"{_SOFT}1")
    temperature = float(soft.rpartition("T")[2])
    divergence = unit_divergence(logits[0], start, mask, temperature, official=True)
    divergence = divergence + unit_divergence(logits[1], end, mask, temperature, official=True)
    cells = fixture.tensor("mask2d", "LL").bool()
    return {
        "loc_loss_zoo": gaussian_span_loss(*logits, start, end, mask, official=True),
        soft: divergence,
        "loc2d_loss": map_loss(
            fixture.features("loc2d_scores", "BLL")[:, cells], fixture.features("label_2D", "BLL")[:, cells], *_IOU
        ),
        "td_loss": model_module("ban-apr").temporal_difference_loss(fixture.features("td", "BL"), start + end),
    }


def _decoded(fixture: Fixture) -> dict[str, object]:
    mask = fixture.tensor("vmask", "BL") > 0
    clips = mask.sum(1)
    probabilities = span_probabilities(fixture.tensor("slogits"), fixture.tensor("elogits"), mask)
    scores = torch.triu(torch.sigmoid(fixture.tensor("loc2d_scores")) * fixture.tensor("mask2d"))
    spans = {"infer_frac": decode_spans(joint_probability(*probabilities)), "infer2d_frac": decode_spans(scores)}
    return {name: clips_to_fractions(*span, clips, official=True) for name, span in spans.items()}


def _rule(fixture: Fixture) -> Resampling:
    """Whether short videos were stretched, which no array says outright."""
    raw: Array = fixture.array("raw_len", "B")
    short = raw < fixture.scalar("max_vlen")
    return "zoo-samelen" if (fixture.array("sampled_len", "B")[short] > raw[short]).any() else "zoo"

"""Targets, losses, sampling and decoding of BAN-APR and CCA (`labels_ban_cca_*`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from emtm.data.boundary_labels import boundary_clips, boundary_distribution, contrast_masks
from emtm.layers.map.moment_map import moment_iou
from emtm.layers.map.stretch import stretch_linear, stretch_max, stretch_mean
from emtm.layers.nms import nms
from emtm.parity.building import model_module
from emtm.parity.fixture import Check, Fixture, Row

_STRETCH: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "ban_linear": stretch_linear,
    "ban_maxpool": stretch_max,
    "cca_avgfeats": partial(stretch_mean, official=True),
}
SIGMA, PEAK = 0.1, 0.8
"""Boundary targets of the Charades-STA configuration."""


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    return check_labels if fixture.marked_by("ban_iou2d", "cca_iou2d", "sampler_grid") else None


def check_labels(fixture: Fixture) -> Iterator[Row]:
    """Both IoU maps, BAN-APR's other targets and losses, suppression, the sampler, the resamplers."""
    ban_apr, clips = model_module("ban-apr"), fixture.size("num_clips", "N")
    moment, duration = fixture.tensor("timestamps", "Q2"), fixture.tensor("durations", "Q")
    clamped = torch.minimum(moment.clamp_min(0.0), duration.unsqueeze(1)).float()
    positions = torch.arange(clips)
    cells = torch.stack(torch.meshgrid(positions, positions, indexing="ij"), 2)
    boundaries = boundary_clips(clamped, duration.float(), clips)
    masks = contrast_masks(cells, moment, duration, clips)
    shifts = (moment / duration.unsqueeze(1)).view(-1, 1, 1, 2) - cells / clips
    td_weights = fixture.tensor("ban_s_e_distribution", "Q2N").sum(1)
    positive, negative = fixture.tensor("ban_mask2d_contrast", "Q2NN").bool().flatten(2).unbind(1)
    contrast = ban_apr.contrast_loss(
        fixture.features("contrast_query", "QD"),
        fixture.features("contrast_map", "QNND").flatten(1, 2),
        positive,
        negative,
    )
    for model, name, value in (
        ("ban-apr", "ban_iou2d", moment_iou(cells, clips, moment, duration, closed=False)),
        ("ban-apr", "ban_start_end_offset", shifts),
        ("ban-apr", "ban_start_end_gt", boundaries),
        ("ban-apr", "ban_mask2d_contrast", masks),
        ("ban-apr", "ban_s_e_distribution", boundary_distribution(boundaries, clips, SIGMA, PEAK)),
        ("cca", "cca_iou2d", moment_iou(cells, clips, moment, duration)),
        ("ban-apr", "td_loss", ban_apr.temporal_difference_loss(fixture.features("td", "QN"), td_weights)),
        ("ban-apr", "contrast_loss", contrast.view(1)),
    ):
        yield fixture.row(model, name, value, fixture[name])
    for name in fixture.arrays:
        row = _suppression(fixture, name) or _sampling(fixture, name) or _resampling(fixture, name)
        if row is not None:
            yield row


def _suppression(fixture: Fixture, name: str) -> Row | None:
    found = re.fullmatch(r"(ban|cca)_nms(?:_top\d+)?_t0(\d+)", name)
    if found is None:
        return None
    spans, scores = fixture.tensor("nms_moments", "M2"), fixture.tensor("nms_scores", "M")
    kept = nms(spans.unsqueeze(0), scores.unsqueeze(0), float(f"0.{found[2]}"), len(fixture[name]))[0]
    return fixture.row("ban-apr" if found[1] == "ban" else "cca", name, spans[kept], fixture[name])


def _sampling(fixture: Fixture, name: str) -> Row | None:
    found = re.fullmatch(r"sampler_top(\d+)_neigh(\d+)(?:_neg(\d+))?_t0(\d+)", name)
    if found is None:
        return None
    spans, scores = fixture.tensor("sampler_grid", "G2"), fixture.tensor("sampler_scores", "G").unsqueeze(0)
    sample = model_module("ban-apr").sample_proposals
    index = sample(spans, scores, float(f"0.{found[4]}"), int(found[1]), int(found[2]), int(found[3] or 0))
    return fixture.row("ban-apr", name, spans[index[0]], fixture[name])


def _resampling(fixture: Fixture, name: str) -> Row | None:
    kind, _, length = name.rpartition("_")
    if kind not in _STRETCH:
        return None
    rows = fixture.features("feat_in", "..").unsqueeze(0)
    stretched = _STRETCH[kind](rows, torch.tensor([rows.shape[1]]), int(length))[0]
    return fixture.row("cca" if kind == "cca_avgfeats" else "ban-apr", name, stretched, fixture[name])

"""Targets, decoding, metrics and pooling against the published code (`labels_vslnet_*`, `labels_seqpan_tf_*`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import torch

from emtm.data.features import pool_clips
from emtm.data.labels import (
    highlight_labels,
    index_to_time,
    match_labels,
    soft_span_labels,
    time_to_index,
)
from emtm.layers.span.decoding import decode_spans, joint_probability, span_probabilities
from emtm.layers.span.losses import highlight_loss, span_loss
from emtm.metrics.iou import temporal_iou
from emtm.metrics.means import Means
from emtm.metrics.metric import PUBLISHED_THRESHOLDS
from emtm.parity.fixture import Check, Fixture, Row


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    if fixture.marked_by("highlight_scores", "sample_in", "roundtrip_times"):
        return check_vslnet_labels
    if fixture.marked_by("s_labels", "e_labels", "match_labels", "v_len"):
        return check_seqpan_labels
    return None


def check_seqpan_labels(fixture: Fixture) -> Iterator[Row]:
    """Soft start and end labels and the clip classes of SeqPAN."""
    for name in ("s_labels", "e_labels", "match_labels"):
        length = fixture.array(name, "BL").shape[1]
    start, end, clips = (fixture.ids(k, "B", length + 1) for k in ("start_index", "end_index", "v_len"))
    ours = {
        "s_labels": soft_span_labels(start, clips, length),
        "e_labels": soft_span_labels(end, clips, length),
        "match_labels": match_labels(start, end, clips, length, 1),
    }
    for name, value in ours.items():
        yield fixture.row("seqpan", name, value, fixture[name])


def check_vslnet_labels(fixture: Fixture) -> Iterator[Row]:
    """Time and index, highlight, losses, decoding, metrics and clip pooling of VSLNet."""
    duration, units = fixture.array("duration", "B"), fixture.array("num_units", "B")
    moment = fixture.array("start_time", "B"), fixture.array("end_time", "B")
    start, end = time_to_index(*moment, units, duration)
    mask = fixture.tensor("mask", "BL") > 0
    first, last = (fixture.ids(f"{side}_index", "B", mask.shape[1]) for side in ("start", "end"))
    back = np.stack(index_to_time(first.numpy(), last.numpy(), units, duration), 1)
    logits = fixture.features("start_logits", "BL"), fixture.features("end_logits", "BL")
    decoded = decode_spans(joint_probability(*span_probabilities(*logits, mask)))
    times = np.stack(index_to_time(decoded[0].numpy(), decoded[1].numpy(), units, duration), 1)
    truth = np.stack(moment, 1)
    iou = temporal_iou(fixture.array("pred_times", "B2").astype(np.float64), truth)
    means = Means.of(iou)
    ours = {
        "start_index": start,
        "end_index": end,
        "roundtrip_times": back,
        "highlight_labels": highlight_labels(first, last, mask.sum(1), mask.shape[1]),
        "highlight_loss": highlight_loss(
            torch.logit(fixture.tensor("highlight_scores", "BL").double(), 1e-12).float(),
            fixture.features("highlight_labels", "BL"),
            mask,
        ),
        "ce_loss": span_loss(*logits, first, last, mask),
        "decoded_start": decoded[0],
        "decoded_end": decoded[1],
        "pred_times": times,
        "pred_iou": iou,
        "acc": [means.r1[str(m)] for m in PUBLISHED_THRESHOLDS],
        "miou": means.miou,
    }
    for name in fixture.arrays:
        if found := re.fullmatch(r"sample_out_(\d+)", name):
            ours[name] = pool_clips(fixture.array("sample_in", ".."), int(found[1]), official=True)
    for name, value in ours.items():
        yield fixture.row("vslnet", name, torch.as_tensor(np.asarray(value)), fixture[name])

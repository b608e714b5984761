"""The control of a study: soft labels without a teacher, made of the annotation itself.

Whatever a student gains from these is the worth of smooth targets; only what teachers add to it is
knowledge that the annotation does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from emtm.data.distributions import SIGMA, from_spans
from emtm.data.records import Dataset, fingerprint
from emtm.data.soft_labels import SoftLabelInfo, SoftLabels, save_soft_labels
from emtm.errors import UserError
from emtm.layers.span.decoding import decode_spans, joint_probability
from emtm.metrics.means import Means
from emtm.metrics.metric import written

CELLS = 64
"""Grid of the labels, which is resampled to each student's clips."""
SMOOTHED_TRUTH = "smoothed-truth"
SMOOTHED_PSEUDO = "pseudo-smoothed"


def write_smoothed_pseudo(dataset: Dataset, teachers: Sequence[SoftLabels], out: Path) -> None:
    """Gaussians around the annotated boundaries where there are any, and around those that the teachers make up.

    The teachers' moments are those of the average of their labels. What a student gains from the labels themselves,
    over these, is the worth of their shape.
    """
    queries, annotated = dataset.asked("train"), {query.query_id for query in dataset.splits["train"]}
    ids, cells = [query.query_id for query in queries], torch.full((len(queries),), CELLS)
    mean = torch.stack([teacher.batch(ids, cells, CELLS) for teacher in teachers]).mean(0)
    start, end = decode_spans(joint_probability(mean[:, 0], mean[:, 1]))
    made_up = torch.stack([start, end + 1], 1) / CELLS
    spans = torch.stack(
        [
            torch.tensor([q.start_s / q.duration_s, q.end_s / q.duration_s]) if q.query_id in annotated else own
            for q, own in zip(queries, made_up, strict=True)
        ]
    )
    labels = from_spans(spans.unsqueeze(1), torch.ones(len(queries), 1), cells, CELLS).numpy()
    info = SoftLabelInfo(
        teacher=SMOOTHED_PSEUDO,
        config={"sigma": SIGMA, "cells": CELLS},
        config_hash="none",
        weights_sha256="none",
        dataset=dataset.name,
        split="train",
        seed=0,
        accuracy=written(Means.of(np.ones(1))),
        queries_sha256=fingerprint(queries),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    seen = {query_id for query_id in annotated if any(teacher.saw(query_id) for teacher in teachers)}
    save_soft_labels(out, info, dict(zip(ids, labels, strict=True)), seen)


def write_smoothed_truth(dataset: Dataset, out: Path, split: str = "train") -> None:
    """Gaussians around the annotated boundaries of every query of a split, of the width of unified proposals."""
    queries = dataset.splits[split]
    if dataset.unlabelled:
        raise UserError(f"'{SMOOTHED_TRUTH}' needs every query annotated: 'pseudo-smoothed' is for part of them")
    spans = torch.tensor([[[q.start_s / q.duration_s, q.end_s / q.duration_s]] for q in queries])
    cells = torch.full((len(queries),), CELLS)
    labels = from_spans(spans, torch.ones(len(queries), 1), cells, CELLS).numpy()
    info = SoftLabelInfo(
        teacher=SMOOTHED_TRUTH,
        config={"sigma": SIGMA, "cells": CELLS},
        config_hash="none",
        weights_sha256="none",
        dataset=dataset.name,
        split=split,
        seed=0,
        accuracy=written(Means.of(np.ones(1))),
        queries_sha256=fingerprint(queries),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    save_soft_labels(out, info, {q.query_id: row for q, row in zip(queries, labels, strict=True)})

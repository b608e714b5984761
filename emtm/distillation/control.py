"""The control of a study: soft labels without a teacher, made of the annotation itself.

Whatever a student gains from these is the worth of smooth targets; only what teachers add to it is
knowledge that the annotation does not hold.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from emtm.data.distributions import SIGMA, from_spans
from emtm.data.records import Dataset, fingerprint
from emtm.data.soft_labels import SoftLabelInfo, save_soft_labels
from emtm.metrics.means import Means
from emtm.metrics.metric import written

CELLS = 64
"""Grid of the labels, which is resampled to each student's clips."""
SMOOTHED_TRUTH = "smoothed-truth"


def write_smoothed_truth(dataset: Dataset, out: Path, split: str = "train") -> None:
    """Gaussians around the annotated boundaries of every query of a split, of the width of unified proposals."""
    queries = dataset.splits[split]
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

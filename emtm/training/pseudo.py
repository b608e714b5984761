"""Moments for queries that have none: what the teachers' combined label says, and how far that is trusted.

Both come from annotated queries alone. A pseudo-moment is read off the combined label as a student reads its own
distributions. Its weight in the hard losses is the chance that it is right (IoU of at least 1/2), which a logistic
curve over two signs gives: the probability of the moment under the combined label, and the overlap of the moments
that the single teachers would answer. The curve is fitted to the annotated queries that no teacher was trained on,
those of `val` among them (Platt, 1999, with his smoothed targets, so that few of them do not make it steep).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from emtm.contract import AnyModel
from emtm.data.choices import PseudoTrust
from emtm.data.loader import Collator, batches
from emtm.data.records import Dataset, PseudoQuery, Query
from emtm.data.soft_labels import SoftLabels
from emtm.errors import UserError
from emtm.layers.span.decoding import decode_spans, joint_probability
from emtm.metrics.iou import temporal_iou
from emtm.metrics.means import Means
from emtm.metrics.metric import HEADLINE_IOU, written
from emtm.metrics.truth import annotated_windows, best_iou

Array = npt.NDArray[np.float64]

BATCH = 64
EVEN = 0.5
"""Chance of being right below which `threshold` leaves a pseudo-moment out."""
_RIDGE = 0.1
"""Pull of the curve's slopes, on standardised signs, towards none."""
_NEWTON_STEPS = 50


@dataclass(frozen=True, slots=True)
class Answers:
    """What the teachers together say of some queries."""

    moments: Array
    """Start and end in seconds, `[Q, 2]`."""
    signs: Array
    """Log-probability of the moment, and mean overlap of the teachers' own moments, `[Q, 2]`."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The chance that a pseudo-moment is right, by its signs."""

    centre: Array
    scale: Array
    """Of the signs, `[2]` each."""
    curve: Array
    """Constant and slopes, `[3]`."""
    queries: int
    """Annotated queries, not seen by any teacher, that it was fitted to."""
    right: float
    """Share of these that the teachers answer rightly."""

    def chance(self, signs: Array) -> Array:
        """`[Q, 2]` -> `[Q]`."""
        inputs = np.column_stack([np.ones(len(signs)), (signs - self.centre) / self.scale])
        chance: Array = 1 / (1 + np.exp(-inputs @ self.curve))
        return chance


@dataclass(frozen=True, slots=True)
class Pseudo:
    """The training queries without a moment, with what the teachers make of them."""

    queries: tuple[PseudoQuery, ...]
    chance: Array
    """Of each to be right, `[Q]`."""
    trust: Trust

    def to_json(self, truth: Sequence[Query]) -> dict[str, Any]:
        """How many there are, how right they were thought to be and, by the `truth` of those that have one, are."""
        known = {query.query_id: query for query in truth}
        told = [query for query in self.queries if query.query_id in known]
        right = None
        if told:
            windows = annotated_windows([known[query.query_id] for query in told])
            found = np.array([(query.start_s, query.end_s) for query in told])
            right = written(Means.of(best_iou(found, windows)))
        return {
            "queries": len(self.queries),
            "used": sum(query.weight > 0 for query in self.queries),
            "mean_weight": float(np.mean([query.weight for query in self.queries])),
            "expected_right": float(100 * self.chance.mean()),
            "calibration": {"queries": self.trust.queries, "right": 100 * self.trust.right},
            "right": right,
        }


def pseudo_moments(
    model: AnyModel,
    collator: Collator,
    dataset: Dataset,
    labels: Sequence[SoftLabels],
    rule: PseudoTrust,
    weight: float,
) -> Pseudo:
    """Pseudo-moments of a dataset's queries without a moment.

    Args:
        model: says how teachers are combined.
        collator: its batches hold `labels`.
        dataset: as the run may see it.
        labels: of each teacher.
        rule: `confidence` weighs by the chance of being right, `threshold` leaves out what is likelier wrong, `all`
            takes every one for true.
        weight: of a pseudo-moment that is surely right, against that of an annotated one.

    Raises:
        UserError: the teachers have been trained on every annotated query, so that nothing says how right they are.
    """
    fresh = unseen((*dataset.splits["train"], *dataset.splits["val"]), labels)
    if not fresh:
        raise UserError(
            f"no annotated query of {dataset.name} is new to the teachers: how far to trust them is unknown"
        )
    trust = fit_trust(answers(model, collator, fresh), fresh)
    said = answers(model, collator, dataset.unlabelled)
    chance = trust.chance(said.signs)
    weights = {"confidence": chance, "threshold": (chance >= EVEN).astype(float), "all": np.ones(len(chance))}[rule]
    queries = tuple(
        PseudoQuery(
            *(query.query_id, query.video_id, query.sentence, query.duration_s, float(start), float(end)),
            kind=query.kind,
            weight=float(weight * own),
        )
        for query, (start, end), own in zip(dataset.unlabelled, said.moments, weights, strict=True)
    )
    return Pseudo(queries, chance, trust)


def unseen(queries: Sequence[Query], labels: Sequence[SoftLabels]) -> list[Query]:
    """Those of some annotated queries that no teacher was trained on; all have labels."""
    return [query for query in queries if not any(teacher.saw(query.query_id) for teacher in labels)]


def answers(model: AnyModel, collator: Collator, queries: Sequence[Query]) -> Answers:
    """What the teachers together say of each query; its own moment is not looked at."""
    blank = [replace(query, start_s=0.0, end_s=query.duration_s) for query in queries]
    moments, signs = [], []
    for chunk in batches(blank, BATCH, None, 0):
        batch = collator.collate(chunk)
        teachers = batch.truth().soft_labels
        assert teachers is not None
        clip_s = (batch.duration_s / batch.num_clips).double().unsqueeze(1)
        found, probability = _decoded(model.combined(teachers))
        single = np.stack([_decoded(teacher)[0].numpy() for teacher in teachers.unbind(1)], 1)
        moments.append((found * clip_s).numpy())
        signs.append(np.column_stack([probability.double().clamp_min(1e-30).log().numpy(), _agreement(single)]))
    return Answers(np.concatenate(moments), np.concatenate(signs))


def _decoded(label: Tensor) -> tuple[Tensor, Tensor]:
    """Likeliest moment of distributions `[B, 2, L]` in clips, end exclusive, `[B, 2]`, and its probability `[B]`."""
    joint = joint_probability(label[:, 0], label[:, 1])
    start, end = decode_spans(joint)
    # Start and end are each the best of all, and need not be the best together.
    rows = torch.arange(len(start))
    return torch.stack([start, end + 1], 1).double(), joint[rows, start, end]


def _agreement(moments: Array) -> Array:
    """Mean IoU over the pairs of K teachers' moments `[Q, K, 2]` -> `[Q]`; 1 for one teacher."""
    first, second = np.triu_indices(moments.shape[1], 1)
    if not len(first):
        return np.ones(len(moments))
    agreement: Array = temporal_iou(moments[:, first], moments[:, second]).mean(1)
    return agreement


def fit_trust(said: Answers, truth: Sequence[Query]) -> Trust:
    """The curve that makes the rightness of the answers to annotated queries likeliest."""
    right = best_iou(said.moments, annotated_windows(truth)) >= HEADLINE_IOU
    hits, misses = int(right.sum()), int((~right).sum())
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (misses + 2))
    centre, scale = said.signs.mean(0), said.signs.std(0) + 1e-6
    inputs = np.column_stack([np.ones(len(target)), (said.signs - centre) / scale])
    pull = _RIDGE * np.diag([0.0, 1.0, 1.0])
    curve = np.zeros(3)
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-inputs @ curve))
        slope = inputs.T @ (chance - target) + pull @ curve
        bend = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + pull + 1e-9 * np.eye(3)
        step = np.linalg.solve(bend, slope)
        curve = curve - step
        if np.abs(step).max() < 1e-10:
            break
    return Trust(centre, scale, curve, len(target), float(right.mean()))

"""Whether a row answers what the peer answers, from the same weights and inputs: asked before anything is timed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bench.peers.contests import Contest
from bench.peers.peer import Peer

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]

TOLERANCE = {"span_max_abs": 1e-5, "score_max_rel": 1e-4, "loss_rel": 1e-5, "step_max_rel": 2e-2}
"""Of probabilities; of the score of the moment that is chosen, and of the loss, as a share; of the weights after a step
as a share of the largest change of any.

The published optimiser divides a gradient by its size plus 1e-6, so rounding shows in weights whose gradient is as
small as that: attention's key biases, whose gradient is zero but for rounding, move by it alone.
"""
AFTER = "after/"
_SAME_CLIP = 1e-3


class DifferentError(Exception):
    """A row answers something else than the peer; the text says what."""


def in_our_terms(contest: Contest, peer: Peer, answer: Arrays, weights: Arrays) -> dict[str, Array]:
    """What the peer answered, as our models say it; `weights` are its own from before a training step."""
    if contest.kind == "infer":
        span = np.stack([_softmax(answer["start_logits"]), _softmax(answer["end_logits"])], 1)
        clips = np.stack([answer["start"], answer["end"]], 1)
        rows = np.arange(len(clips))
        return {"span": span, "clips": clips, "score": span[rows, 0, clips[:, 0]] * span[rows, 1, clips[:, 1]]}
    moved = {name.removeprefix(AFTER): value for name, value in answer.items() if name.startswith(AFTER)}
    after = our_state(contest.model, peer, {**weights, **moved})
    return {"loss": answer["loss"], **{f"{AFTER}{name}": value for name, value in after.items()}}


def our_state(model: str, peer: Peer, weights: Arrays) -> dict[str, Array]:
    """The peer's weights as our model has them."""
    state = peer.state(model, lambda name: torch.from_numpy(np.asarray(weights[name])))
    return {name: np.ascontiguousarray(value.numpy()) for name, value in state.items()}


def deviations(before: Arrays, theirs: Arrays, found: Arrays) -> dict[str, float]:
    """How far a row's answer is from the peer's; `before` is the state from which both made a step.

    Raises DifferentError where an answer is of another shape, or too far away.
    """
    measured: dict[str, float] = {}
    if "loss" in theirs:
        measured["loss_rel"] = abs(float(found["loss"] - theirs["loss"])) / abs(float(theirs["loss"]))
        moved = [name for name in theirs if name.startswith(AFTER)]
        largest = max(_apart(theirs[name], before[name.removeprefix(AFTER)]) for name in moved)
        measured["step_max_rel"] = max(_apart(found[name], theirs[name]) for name in moved) / largest
    if "span" in found:
        measured["span_max_abs"] = _apart(found["span"], theirs["span"])
    if "clips" in found:
        measured["score_max_rel"] = _apart(found["score"] / theirs["score"], np.ones_like(theirs["score"]))
        # Of moments that tie another last bit may choose another; then their scores are equal.
        measured["equal_moments"] = float((np.abs(found["clips"] - theirs["clips"]).max(1) < _SAME_CLIP).mean())
    for name, value in measured.items():
        if not value <= TOLERANCE.get(name, 1.0):
            raise DifferentError(f"its answer is not the peer's: {name} is {value:.2g}")
    return measured


def _apart(one: Array, other: Array) -> float:
    if one.shape != other.shape:
        raise DifferentError(f"its answer is not the peer's: shapes {one.shape} and {other.shape}")
    return float(np.abs(one.astype(np.float64) - other).max())


def _softmax(logits: Array) -> Array:
    shifted = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    return np.asarray(shifted / shifted.sum(1, keepdims=True))

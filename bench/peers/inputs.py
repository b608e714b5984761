"""The same inputs for both sides: as files for the peer, as batches for our models."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.peers.contests import Contest
from bench.subjects import TEACHERS, make_batch
from emtm.data.batch import Batch
from emtm.layers.span.model import SpanModelConfig, span_targets
from emtm.registry import preset

NO_SOFT_LOSS = {"soft_weight": 0.0, "temperature": 1.0}


def batches(contest: Contest) -> list[Batch]:
    """The contest's inputs; seeded, so equal every time."""
    width, train = contest.config().feature_dim, contest.kind == "train"
    return [make_batch(contest.shape, width, contest.batch_size, seed, targets=train) for seed in range(contest.pool)]


def write_inputs(contest: Contest, path: Path) -> None:
    """All of a contest's inputs as arrays whose first axis tells them apart.

    `video` `[N, B, L, V]`, `clips` `[N, B]`, `word_ids` `[N, B, T]`, `char_ids` `[N, B, T, C]`, and for training
    `start`, `end` and `classes` `[N, B, L]` and the teachers' `[N, B, K, 2, L]`.
    """
    made = batches(contest)
    arrays = {
        "video": [batch.video.numpy() for batch in made],
        "clips": [batch.video_mask.sum(1).numpy().astype(np.int32) for batch in made],
        "word_ids": [batch.word_ids.numpy().astype(np.int32) for batch in made],
        "char_ids": [batch.char_ids.numpy().astype(np.int32) for batch in made],
    }
    if contest.kind == "train":
        config = contest.config()
        assert isinstance(config, SpanModelConfig)
        truths = [span_targets(batch, config.match_extension) for batch in made]
        arrays |= {
            "start": [truth[0].numpy() for truth, _ in truths],
            "end": [truth[1].numpy() for truth, _ in truths],
            "classes": [classes.numpy().astype(np.int32) for _, classes in truths],
            "teachers": [_teachers(batch) for batch in made],
        }
    np.savez(path, **{name: np.stack(values) for name, values in arrays.items()})  # type: ignore[arg-type]


def _teachers(batch: Batch) -> np.typing.NDArray[np.float32]:
    soft = batch.truth().soft_labels
    assert soft is not None and soft.shape[1] == TEACHERS
    return soft.numpy()


def sizes(contest: Contest) -> dict[str, int | float]:
    """What the peer builds its model by."""
    config, shape = contest.config(), contest.shape
    assert isinstance(config, SpanModelConfig)
    soft = {name: getattr(config, name, value) for name, value in NO_SOFT_LOSS.items()}
    return {
        "max_clips": config.max_clips,
        "feature_dim": config.feature_dim,
        "dim": config.dim,
        "heads": config.heads,
        "word_dim": config.word_dim,
        "char_dim": config.char_dim,
        "dropout": config.dropout,
        "match_weight": config.match_weight,
        "num_words": shape.word_vocabulary,
        "num_chars": shape.char_vocabulary,
        "clip_norm": preset(contest.model, contest.dataset).recipe.clip_norm,
        **soft,
    }

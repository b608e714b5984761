"""Predictions of a trained model on a split, and their scores."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from emtm.contract import AnyModel, ModelConfig
from emtm.data.annotated import restrict
from emtm.data.choices import Protocol
from emtm.data.clocks import Clock, durations, read_clock
from emtm.data.datasets import open_dataset, open_queries
from emtm.data.features import Resampling, check_store, clip_count, num_rows, store_width
from emtm.data.loader import Collator, SoftLabelSource, batches
from emtm.data.records import Dataset, FeatureStore, Query
from emtm.data.text import Vocabulary
from emtm.data.unlabelled import add_unlabelled
from emtm.errors import UserError, unknown
from emtm.metrics.floors import cached_floors
from emtm.metrics.published import UNOFFICIAL
from emtm.metrics.scoring import FORMAT, Scores, first_ious, score
from emtm.training.runs import check_unseen, load_run
from emtm.training.spec import DataSource

Predictions = dict[str, npt.NDArray[np.float64]]
TOP_K = 5
BATCH = 64


def predict(
    model: AnyModel,
    collator: Collator,
    queries: Sequence[Query],
    *,
    top_k: int = 1,
    batch_size: int = BATCH,
    progress: Callable[[int], object] = lambda done: None,
) -> Predictions:
    """Moments `[top_k, 3]` (start s, end s, score) by query id. Leaves the model in eval mode."""
    device = next(model.parameters()).device
    model.eval()
    predictions: Predictions = {}
    with torch.inference_mode():
        for chunk in batches(queries, batch_size, None, 0):
            batch = collator.collate(chunk).to(device)
            found = model.moments(model(batch), batch.duration_s, top_k).double().cpu().numpy()
            predictions.update(zip((q.query_id for q in chunk), found, strict=True))
            progress(len(chunk))
    return predictions


def collator_for(
    config: ModelConfig,
    dataset: Dataset,
    vocabulary: Vocabulary,
    soft_labels: Sequence[SoftLabelSource] = (),
    held_out: Collection[str] = (),
) -> Collator:
    """Collator of the batches a model takes; published code pads every video to the longest allowed."""
    return Collator(
        *(dataset, vocabulary, config.max_clips, config.max_words),
        pad_to_max=config.official,
        soft_labels=soft_labels,
        resampling=resampling_of(config),
        held_out=held_out,
    )


def resampling_of(config: ModelConfig) -> Resampling:
    """Rule of the clips a model takes; published behaviour includes the row that VSLNet's rule loses."""
    return "vslnet" if config.official and config.resampling == "mean" else config.resampling


def check_features(
    features: FeatureStore, queries: Sequence[Query], config: ModelConfig, clip_s: str | None = None
) -> Clock | None:
    """The clock of the features, None where they are rendered.

    Raises:
        UserError: features of a queried video are missing, not as wide as the model takes them, or run on another clock
            than the others, or than `clip_s` states.
    """
    width = store_width(config.feature_dim, config.resampling)
    check_store(features, (query.video_id for query in queries), width)
    return read_clock(features, durations(queries), clip_s)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores of a run on one split, with the floors of the same queries."""

    model: str
    weights_sha256: str
    dataset: str
    split: str
    seed: int
    synthetic: bool
    scores: Scores
    floors: dict[str, Any]
    notes: tuple[str, ...]
    """Which files the queries come from, how many, and what was done to them."""
    official: str | None = None
    """Which published version of the test set was tested on, by its content; None for anything else."""
    ious: Mapping[str, float] = field(default_factory=dict)
    """Of the first moment of each query, by its id; not in the JSON."""

    def to_json(self) -> dict[str, Any]:
        """JSON form: the scores, the floors and what they belong to; figures in percent."""
        return {
            "format": FORMAT,
            "model": self.model,
            "weights_sha256": self.weights_sha256,
            "dataset": self.dataset,
            "split": self.split,
            "seed": self.seed,
            "synthetic": self.synthetic,
            **self.scores.to_json(),
            "floors": self.floors,
            "notes": list(self.notes),
            "official": self.official,
            **({} if self.official else {"official_reason": UNOFFICIAL}),
        }


def evaluate_run(
    path: Path,
    split: str = "test",
    protocol: Protocol = "timestamp",
    *,
    dataset: Dataset | None = None,
    device: str = "cpu",
    progress: Callable[[int], object] = lambda done: None,
) -> Evaluation:
    """Score the best weights of the run at `path`; `dataset` overrides the one it was trained on."""
    run = load_run(path, device)
    # Nothing is asked about pairs without a moment, and their file need not be there any more.
    dataset = dataset or open_source(replace(run.spec.data, unlabelled=None))
    queries = split_of(dataset, split)
    config = run.config
    check_unseen(path, split, queries)
    check_features(dataset.features, queries, config, dataset.clip_s)
    collator = collator_for(config, dataset, run.vocabulary)
    predictions = predict(run.model, collator, queries, top_k=TOP_K, progress=progress)
    clips = None
    if protocol == "index":
        rows = {q.video_id: num_rows(dataset.features, q.video_id) for q in queries}
        clips = {video: clip_count(n, config.max_clips, config.resampling) for video, n in rows.items()}
    scores = score(predictions, queries, protocol, clips)
    floors = cached_floors(dataset, split)
    return Evaluation(
        run.name,
        run.weights_sha256,
        dataset.name,
        split,
        run.seed,
        dataset.synthetic,
        scores,
        floors,
        dataset.notes,
        dataset.official.get(split),
        first_ious(predictions, queries),
    )


def open_source(source: DataSource) -> Dataset:
    """Dataset that a run names, without the moments that it may not see."""
    root, glove = (Path(p) if p else None for p in (source.root, source.glove))
    features = source.features if source.features in (None, "embedded") else Path(source.features)
    dataset = open_dataset(source.name, root, features, glove, source.clip_s, source.title, source.fold)
    if source.annotated is not None:
        dataset = restrict(dataset, source.annotated)
    return dataset if source.unlabelled is None else add_unlabelled(dataset, source.unlabelled)


def known_moments(source: DataSource) -> tuple[Query, ...]:
    """Training queries with every moment that the files hold, for reports alone, once nothing is left to choose."""
    if source.fold is not None:
        return open_source(replace(source, annotated=None)).splits["train"]
    if source.root is not None:
        return open_queries(source.name, Path(source.root)).splits["train"]
    return open_dataset(source.name).splits["train"]


def split_of(dataset: Dataset, split: str) -> tuple[Query, ...]:
    """Queries of a split; raises UserError when the dataset has no such split."""
    if split not in dataset.splits:
        raise UserError(unknown(f"split of {dataset.name}", split, list(dataset.splits)))
    return dataset.splits[split]

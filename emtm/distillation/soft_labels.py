"""What a trained teacher says about every query of a split: from a run directory to a soft label file.

Any registered model will do: its `span_distribution` gives start and end distributions whatever
its own output form, each over the clips that the model was given.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emtm.contract import AnyModel
from emtm.data.annotated import seen_in_training, withheld
from emtm.data.loader import Collator, batches
from emtm.data.records import Dataset, FloatArray, Query, fingerprint
from emtm.data.soft_labels import SoftLabelInfo, save_soft_labels
from emtm.errors import UserError
from emtm.metrics.metric import written
from emtm.metrics.scoring import score
from emtm.processes import reserved
from emtm.registry import config_hash
from emtm.temporary import sweep
from emtm.training.evaluation import BATCH, Predictions, check_features, collator_for, open_source, split_of
from emtm.training.runs import load_run, seen_videos
from emtm.training.spec import DataSource


@dataclass(frozen=True, slots=True)
class Written:
    """A soft label file that was just written."""

    path: Path
    info: SoftLabelInfo
    num_queries: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "file": str(self.path),
            **dataclasses.asdict(self.info),
            "queries": self.num_queries,
            "sha256": self.sha256,
        }


def predict_distributions(
    model: AnyModel,
    collator: Collator,
    queries: Sequence[Query],
    *,
    batch_size: int = BATCH,
    progress: Callable[[int], object] = lambda done: None,
) -> tuple[dict[str, FloatArray], Predictions]:
    """Distributions `[2, clips]` and best moment `[1, 3]` by query id. Leaves the model in eval mode."""
    device = next(model.parameters()).device
    model.eval()
    labels: dict[str, FloatArray] = {}
    moments: Predictions = {}
    with torch.inference_mode():
        for chunk in batches(queries, batch_size, None, 0):
            batch = collator.collate(chunk).to(device)
            output = model(batch)
            distributions = model.span_distribution(output).float().cpu().numpy()
            found = model.moments(output, batch.duration_s, 1).double().cpu().numpy()
            clips = batch.num_clips.tolist()
            for query, distribution, moment, n in zip(chunk, distributions, found, clips, strict=True):
                labels[query.query_id] = np.ascontiguousarray(distribution[:, :n])
                moments[query.query_id] = moment
            progress(len(chunk))
    return labels, moments


def write_soft_labels(
    run: Path,
    out: Path,
    split: str = "train",
    *,
    dataset: Dataset | None = None,
    batch_size: int = BATCH,
    device: str = "cpu",
    progress: Callable[[int], object] = lambda done: None,
    computed: Callable[[], object] = lambda: None,
) -> Written:
    """Write the distributions of the run's best weights for every query of a split to `out`.

    Those of `train` are `Dataset.asked`, which includes the queries without a moment. `dataset` overrides the one that
    the run was trained on. The file appears whole or not at all;
    `computed` is called just before.

    Raises:
        UserError: `out` exists, cannot be written or is about to be by another process, the run cannot be read, the
            dataset lacks the split or its features, the teacher saw moments that the dataset withholds, or the model
            gives something that is no distribution.
    """
    _check_out(out)
    with reserved(out):
        _check_out(out)
        return _write_soft_labels(run, out, split, dataset, batch_size, device, progress, computed)


def _write_soft_labels(
    run: Path,
    out: Path,
    split: str,
    dataset: Dataset | None,
    batch_size: int,
    device: str,
    progress: Callable[[int], object],
    computed: Callable[[], object],
) -> Written:
    teacher = load_run(run, device)
    dataset = dataset or open_source(teacher.spec.data)
    check_unseen(run, teacher.spec.data, dataset)
    labelled = split_of(dataset, split)
    queries = dataset.asked(split)
    check_features(dataset.features, queries, teacher.config, dataset.clip_s)
    collator = collator_for(teacher.config, dataset, teacher.vocabulary)
    labels, moments = predict_distributions(teacher.model, collator, queries, batch_size=batch_size, progress=progress)
    scores = score(moments, labelled)
    info = SoftLabelInfo(
        teacher=teacher.name,
        config=dataclasses.asdict(teacher.config),
        config_hash=config_hash(teacher.name, teacher.config),
        weights_sha256=teacher.weights_sha256,
        dataset=dataset.name,
        split=split,
        seed=teacher.seed,
        accuracy=written(scores),
        queries_sha256=fingerprint(queries),
    )
    choice = teacher.spec.data.annotated
    part = choice is not None or dataset.unlabelled
    seen = None
    if part and split == "train":
        seen = seen_in_training(dataset, choice) if _same(teacher.spec.data, dataset) else frozenset()
    computed()
    return Written(out, info, len(queries), save_soft_labels(out, info, labels, seen))


def check_unseen(run: Path, data: DataSource, dataset: Dataset) -> None:
    """Raise UserError for a teacher, trained on `data`, that saw what `dataset` tests on or withholds."""
    tested = seen_videos(run, "test", dataset.splits.get("test", ()))
    if tested:
        raise UserError(
            f"{run} was trained on {len(tested):,} videos that {dataset.name} tests on, {tested[0]} first: a teacher "
            "has to be of the same fold or splits as its student"
        )
    told = withheld(dataset) & seen_in_training(dataset, data.annotated)
    if told and _same(data, dataset):
        raise UserError(
            f"{run} was trained on the moments of {len(told):,} queries that are not annotated here: train the teacher "
            "with the same --annotated, or a smaller share of the same draw"
        )


def _same(data: DataSource, dataset: Dataset) -> bool:
    """Whether a run was trained on the benchmark that is labelled."""
    return data.name == dataset.name.partition("+")[0]


def _check_out(out: Path) -> None:
    """Raise UserError, before any work is done, for a file that must not or cannot be written."""
    if out.exists():
        sweep(out.parent)  # Of a process that was killed when it had just written it.
        raise UserError(f"{out} already exists; choose another file")
    nearest = next(parent for parent in out.absolute().parents if parent.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise UserError(f"cannot write {out}: {nearest} is not a folder that can be written to")

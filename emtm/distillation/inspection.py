"""What the teachers' knowledge does in a trained EMTM: gradients, weights, distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emtm.data.loader import batches
from emtm.data.records import Dataset, Query
from emtm.data.soft_labels import SoftLabels
from emtm.distillation.model import EMTM
from emtm.errors import UserError
from emtm.training import runs
from emtm.training.evaluation import collator_for
from emtm.training.runs import Run, load_run, read_tensors

BATCH = 16
EXAMPLES = 6


def load_branches(path: Path) -> tuple[Run, EMTM]:
    """A run of EMTM and its model with the training-only branches; UserError for any other run."""
    run = load_run(path)
    if not isinstance(run.model, EMTM):
        raise UserError(f"{path} is a run of {run.name}, not of emtm")
    run.model.prepare_training(len(run.spec.data.soft_labels))
    branches = read_tensors(path / runs.BRANCHES)[0] if (path / runs.BRANCHES).exists() else {}
    run.model.load_state_dict({**run.model.inference_state(), **branches})
    return run, run.model


def gradient_ratio(path: Path, dataset: Dataset, soft_labels: Sequence[SoftLabels], num_batches: int = 8) -> float:
    """Norm of the distillation's gradient on the student's logits over that of its hard loss, on training queries.

    1 means both pull alike; the released code's losses give about 1e-8 (specified by its double
    softmax of normalised logits), which is no distillation at all.
    """
    run, model = load_branches(path)
    collator = collator_for(run.config, dataset, run.vocabulary, soft_labels)
    model.train()
    soft_square = hard_square = 0.0
    order = batches(dataset.splits["train"], BATCH, run.seed, 0)
    torch.manual_seed(run.seed)
    for _, chunk in zip(range(num_batches), order, strict=False):
        batch = collator.collate(chunk)
        output = model(batch)
        terms = model.loss(output, batch).terms
        logits = output.start_logits, output.end_logits
        soft_square += _square(torch.autograd.grad(terms["soft"], logits, retain_graph=True))
        hard_square += _square(torch.autograd.grad(terms["student"], logits))
    return float((soft_square / hard_square) ** 0.5)


def _square(gradients: Sequence[Tensor]) -> float:
    # In float64: the released code's squares underflow float32.
    return float(sum(g.double().square().sum() for g in gradients))


@dataclass(frozen=True, slots=True)
class Example:
    """One query: what each teacher says, what is made of it, what the student says, and the truth."""

    query: Query
    start_index: int
    end_index: int
    weights: Tensor
    """`[K, 2]`."""
    teachers: Tensor
    """Distributions `[K, 2, L]`."""
    aggregated: Tensor
    """`[2, L]`."""
    student: Tensor
    """`[2, L]`."""

    def to_json(self) -> dict[str, Any]:
        """JSON form; distributions rounded to what a picture can show."""
        names = ("weights", "teachers", "aggregated", "student")
        arrays = {name: [[*_rounded(row)] for row in getattr(self, name)] for name in names}
        return {
            "query_id": self.query.query_id,
            "sentence": self.query.sentence,
            "duration_s": self.query.duration_s,
            "moment_s": [self.query.start_s, self.query.end_s],
            "moment_clips": [self.start_index, self.end_index],
            **arrays,
        }


def _rounded(row: Tensor) -> list[Any]:
    return [[round(x, 4) for x in r] if isinstance(r, list) else round(r, 4) for r in row.tolist()]


def aggregation_report(
    path: Path, dataset: Dataset, labels: Mapping[str, SoftLabels], split: str, examples: int = EXAMPLES
) -> dict[str, Any]:
    """Teacher weights of every query of a split, and single queries in full; JSON.

    Args:
        path: run of EMTM with teachers.
        dataset: whose queries are asked.
        labels: each teacher's soft labels of the split, in the order of the run's teachers.
        split: of the dataset.
        examples: how many queries are shown in full, spread evenly over the split.
    """
    run, model = load_branches(path)
    collator = collator_for(run.config, dataset, run.vocabulary, list(labels.values()))
    queries = dataset.splits[split]
    shown = set(range(0, len(queries), max(1, len(queries) // max(1, examples)))[:examples])
    all_weights, found = [], []
    model.eval()
    with torch.inference_mode():
        for first in range(0, len(queries), BATCH):
            chunk = queries[first : first + BATCH]
            batch = collator.collate(chunk)
            truth = batch.truth()
            assert truth.soft_labels is not None
            teachers = truth.soft_labels
            video = model.encode_video(batch.video, batch.video_mask)
            query = model.encode_query(batch.word_ids, batch.char_ids)
            student = model.span_distribution(model.ground(video, query))
            weights = model.weights(video, query, teachers)
            aggregated = model.pool(teachers, weights)
            all_weights.append(weights)
            for row, q in enumerate(chunk):
                if first + row in shown:
                    clips = int(batch.num_clips[row])
                    found.append(
                        Example(
                            q,
                            int(truth.start_index[row]),
                            int(truth.end_index[row]),
                            weights[row],
                            teachers[row, ..., :clips],
                            aggregated[row, :, :clips],
                            student[row, :, :clips],
                        )
                    )
    weights = torch.cat(all_weights)
    return {
        "teachers": list(labels),
        "split": split,
        "queries": [q.query_id for q in queries],
        "weights": {
            boundary: [_rounded(row) for row in weights[:, :, i]] for i, boundary in enumerate(("start", "end"))
        },
        "examples": [example.to_json() for example in found],
    }

"""A small world of which few moments are annotated, and another that differs in the others alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from emtm.cli import app
from emtm.data.annotated import AnnotatedPart, annotated_ids
from emtm.data.datasets import open_dataset
from emtm.data.records import Dataset, Query

SIZES = {"train": 120, "val": 40, "test": 30}
SHARE, DRAW = 0.25, 3
SMALL = ("dim=16", "char_dim=4", "batch_size=32", "epochs=2")


def small_world() -> Dataset:
    """The first queries of `smoke`."""
    whole = open_dataset("smoke")
    return dataclasses.replace(whole, splits={split: whole.splits[split][:n] for split, n in SIZES.items()})


def poisoned(dataset: Dataset, choice: AnnotatedPart) -> Dataset:
    """The dataset with other moments wherever `choice` leaves a query of train or val without one."""
    splits = dict(dataset.splits)
    for split in ("train", "val"):
        kept = annotated_ids(splits[split], choice)
        splits[split] = tuple(q if q.query_id in kept else _moved(q) for q in splits[split])
    return dataclasses.replace(dataset, splits=splits)


def _moved(query: Query) -> Query:
    middle = query.duration_s / 2
    early = query.start_s < middle
    return dataclasses.replace(
        query, start_s=middle + 0.1 if early else 0.0, end_s=query.duration_s if early else middle - 0.1
    )


def stand_in(monkeypatch: pytest.MonkeyPatch, dataset: Dataset) -> None:
    """Let every run open this dataset, whichever it names."""
    monkeypatch.setattr("emtm.training.evaluation.open_dataset", lambda *arguments: dataset)


def run(*arguments: object) -> int:
    """Exit code of a command in this process."""
    with pytest.raises(SystemExit) as left:
        app(list(map(str, arguments)))
    return int(str(left.value.code))


def settings(*more: str) -> list[str]:
    """Options of a short training."""
    return ["--dataset=smoke", "--threads=1", *(f"--set={size}" for size in (*SMALL, *more))]


def outcome(path: Path) -> dict[str, Any]:
    """Everything that a run directory says, apart from the time it took."""
    metrics: dict[str, Any] = json.loads((path / "metrics.json").read_text())
    metrics["training"].pop("seconds")
    history = [json.loads(line) for line in (path / "history.jsonl").read_text().splitlines()]
    spec = json.loads((path / "run.json").read_text())
    for file in spec["data"]["soft_labels"]:
        file.pop("path")
    return {
        "metrics": metrics,
        "history": [{**epoch, "seconds": 0} for epoch in history],
        "weights": {name: (path / name).read_bytes() for name in ("best.safetensors", "branches.safetensors")
                    if (path / name).exists()},
        "spec": spec,
        "vocabulary": (path / "vocabulary.json").read_text(),
    }  # fmt: skip


def without(found: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """A copy of an outcome without some metrics."""
    kept = {key: value for key, value in found["metrics"].items() if key not in keys}
    return {**found, "metrics": kept}

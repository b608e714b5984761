"""Runs, and other files of a training, that are not as they were written."""

from __future__ import annotations

import json
import os
import resource
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from tests.bad_input.refusals import DEEP, JSON, STUDENT, Edit, refused, text


def changed(**values: object) -> Edit:
    """Edits of `run.json`; `config__dim` is the `dim` of its `config`."""

    def edit(file: Path) -> None:
        stored = json.loads(file.read_text("utf-8"))
        for path, value in values.items():
            *outer, last = path.split("__")
            place = stored
            for name in outer:
                place = place[name]
            place[last] = value
        file.write_text(json.dumps(stored), "utf-8")

    return edit


RUN: dict[str, Edit] = {
    **JSON,
    "nan": changed(seed=float("nan")),
    "seed": changed(seed="x"),
    "negative": changed(seed=-1),
    "huge-seed": changed(seed=10**30),
    "model": changed(model=[1]),
    "unknown": changed(model="nope"),
    "data": changed(data=[]),
    "name": changed(data__name=5),
    "root": changed(data__root=5),
    "labels": changed(data__soft_labels=[{"path": 1, "teacher": 2, "sha256": 3}]),
    "no-labels": changed(data__soft_labels=None),
    "recipe": changed(recipe=None),
    "heads": changed(config__dim=7),
    "dim": changed(config__dim=2**40),
    "words": changed(config__word_dim=2**40),
    "clips": changed(config__max_clips=2**40),
}


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in RUN.items()])
def test_damaged_runs(run: Path, rows: Path, edit: Edit, tmp_path: Path) -> None:
    edit(run / "run.json")
    refused(tmp_path, "evaluate", run)
    refused(tmp_path, "predict", run, "--video", rows, "--query", "q", "--duration", 9)


VOCABULARY = {**JSON, "numbers": text('{"words": [1], "chars": []}'), "other": text('{"words": ["a"], "chars": ["b"]}')}


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in VOCABULARY.items()])
def test_damaged_vocabularies(run: Path, edit: Edit, tmp_path: Path) -> None:
    edit(run / "vocabulary.json")
    assert "vocabulary.json" in refused(tmp_path, "evaluate", run) or edit is VOCABULARY["other"]


def tensors(state: str | None = None, *, without: int | None = None, **more: torch.Tensor) -> Edit:
    """A checkpoint with another state, one tensor less, or some more (`optimizer__x` is `optimizer.x`)."""

    def edit(file: Path) -> None:
        with safe_open(file, "pt") as stored:
            content = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
            metadata = stored.metadata() or {}
        if without is not None:
            del content[sorted(content)[without]]
        content.update({name.replace("__", "."): value for name, value in more.items()})
        save_file(content, file, metadata if state is None else {"state": state})

    return edit


BINARY: dict[str, Edit] = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:500]),
    "empty": text(""),
    "zeros": text(bytes(500)),
    "length": lambda file: file.write_bytes(struct.pack("<Q", 2**60) + file.read_bytes()[8:]),
    "less": tensors(without=2),
    "folder": JSON["folder"],
}
LAST: dict[str, Edit] = {
    **BINARY,
    "no-state": tensors("{}"),
    "deep": tensors(DEEP[:20_000]),
    "state": tensors("[]"),
    "no-history": tensors('{"history": null}'),
    "history": tensors('{"history": [1]}'),
    "nan": tensors('{"history": [{"seconds": NaN}]}'),
    "weight": tensors(model__x=torch.zeros(2)),
    "index": tensors(optimizer__x__y=torch.zeros(2)),
    "optimizer": tensors(optimizer__999__step=torch.zeros(2)),
    "strange": tensors(x=torch.zeros(2)),
}


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in BINARY.items()])
def test_damaged_weights(run: Path, edit: Edit, tmp_path: Path) -> None:
    edit(run / "best.safetensors")
    assert "best.safetensors" in refused(tmp_path, "evaluate", run)


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in LAST.items()])
def test_damaged_states(run: Path, edit: Edit, tmp_path: Path) -> None:
    edit(run / "last.safetensors")
    assert "last.safetensors" in refused(tmp_path, "train", *STUDENT, "--out", run, "--resume")


def test_a_run_without_its_record(run: Path, tmp_path: Path) -> None:
    (run / "run.json").unlink()
    assert "run.json is gone" in refused(tmp_path, "train", *STUDENT, "--out", run, "--resume")


FIGURES = {"model": "m", "dataset": "d", "split": "s", "protocol": "p", "queries": 1, "synthetic": True, "miou": 1}
METRICS = {
    **JSON,
    "nan": text('{"miou": NaN}'),
    "nothing": text("{}"),
    "recall": text(json.dumps({**FIGURES, "r1": 5, "floors": {}, "ci95": None})),
    "floor": text(json.dumps({**FIGURES, "r1": {}, "floors": {"a": 1}, "ci95": None})),
    "interval": text(json.dumps({**FIGURES, "r1": {}, "floors": {}, "ci95": {"r1": {"0.5": 3}}})),
}


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in METRICS.items()])
def test_damaged_metrics(run: Path, edit: Edit, tmp_path: Path) -> None:
    edit(run / "metrics.json")
    assert "metrics.json" in refused(tmp_path, "train", *STUDENT, "--out", run, "--resume")


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in JSON.items()])
def test_damaged_studies(edit: Edit, tmp_path: Path) -> None:
    edit(tmp_path / "study.json")
    refused(tmp_path, "reproduce", "--dataset", "smoke", "--teachers", "vslnet", "--out", tmp_path)


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in JSON.items()])
def test_damaged_predictions_and_clip_counts(edit: Edit, tmp_path: Path) -> None:
    edit(tmp_path / "file.json")
    refused(tmp_path, "score", tmp_path / "file.json", "--dataset", "smoke")
    options = ("--ceiling", "--clips", 4, "--clip-counts", tmp_path / "file.json")
    refused(tmp_path, "score", "--dataset", "smoke", *options)


@pytest.fixture
def full() -> Iterator[Callable[[], None]]:
    """Makes a process unable to write files of more than 20 KiB, as on a disk that is nearly full."""
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20 * 1024, 20 * 1024))


@pytest.mark.parametrize("command", ["soft-labels", "train"])
def test_a_full_disk(command: str, run: Path, tmp_path: Path, full: Callable[[], None]) -> None:
    for name in ("last.safetensors", "best.safetensors"):
        if command == "train":
            (run / name).unlink()
    arguments = {
        "soft-labels": ("soft-labels", str(run), "--out", str(tmp_path / "labels.h5")),
        "train": ("train", *STUDENT, "--set", "batch_size=400", "--out", str(tmp_path / "new")),
    }[command]
    before = set(tmp_path.rglob("*"))
    result = subprocess.run(
        [sys.executable, "-m", "emtm", *arguments],
        capture_output=True,
        text=True,
        preexec_fn=full,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert result.returncode == 2, result.stderr
    assert "File too large" in result.stderr.splitlines()[-1] and "Traceback" not in result.stderr
    assert set(tmp_path.rglob("*")) == before

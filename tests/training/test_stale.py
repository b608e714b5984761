"""What was changed or exchanged in a run directory, and what no longer fits it, is refused by name."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from emtm.data.records import Dataset
from emtm.distillation.control import write_smoothed_truth
from emtm.distillation.soft_labels import write_soft_labels
from emtm.distillation.study import find_soft_labels
from emtm.errors import UserError
from emtm.training import manifest, runs, setup
from emtm.training.evaluation import open_source
from emtm.training.history import read_history
from emtm.training.loop import train
from emtm.training.manifest import MANIFEST, noted
from emtm.training.runs import load_run, read_tensors, write_json, write_tensors
from emtm.training.spec import DataSource, RunSpec, plan

SIZES = ["dim=16", "char_dim=4", "batch_size=128", "epochs=1"]


def spec(seed: int = 0) -> RunSpec:
    return plan("emtm-student", DataSource("smoke"), None, SIZES, seed)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "student"
    train(spec(), out, quiet=True)
    return out


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return shutil.copytree(trained, tmp_path / "student")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return open_source(DataSource("smoke"))


def with_a_sentence_changed(dataset: Dataset) -> Dataset:
    first, *others = dataset.splits["train"]
    changed = dataclasses.replace(first, sentence=f"{first.sentence} again")
    return dataclasses.replace(dataset, splits={**dataset.splits, "train": (changed, *others)})


def retrained(run: Path) -> None:
    """Other weights, written as training writes them."""
    weights, state = read_tensors(run / runs.BEST)
    write_tensors(run / runs.BEST, {name: value + 1 for name, value in weights.items()}, state)


def flip(path: Path) -> None:
    """Turn over bits within the tensors, so that the file is still one that can be read."""
    content = bytearray(path.read_bytes())
    for at in range(len(content) // 2, len(content) // 2 + 4000):
        content[at] ^= 0x11
    path.write_bytes(content)


def test_an_untouched_run_is_read(run: Path) -> None:
    assert load_run(run).name == "emtm-student"
    known = json.loads((run / MANIFEST).read_text())["files"]
    assert set(known) == {path.name for path in run.iterdir()} - {MANIFEST}
    assert {len(hashes) for hashes in known.values()} == {1}


@pytest.mark.parametrize("name", [runs.BEST, runs.VOCABULARY, runs.RUN])
def test_a_changed_file_is_refused_by_name(name: str, run: Path) -> None:
    if name == runs.BEST:
        flip(run / name)
    elif name == runs.VOCABULARY:
        vocabulary = json.loads((run / name).read_text("utf-8"))
        vocabulary["words"][:2] = reversed(vocabulary["words"][:2])
        (run / name).write_text(json.dumps(vocabulary), "utf-8")
    else:
        (run / name).write_text((run / name).read_text("utf-8").replace('"seed": 0', '"seed": 7'), "utf-8")
    with pytest.raises(UserError, match=f"{name} is damaged or was exchanged"):
        load_run(run)


@pytest.mark.parametrize(("name", "read"), [(runs.METRICS, runs.read_metrics), (runs.HISTORY, read_history)])
def test_changed_figures_are_refused_by_name(name: str, read: Callable[[Path], object], run: Path) -> None:
    (run / name).write_text((run / name).read_text("utf-8").replace("miou", "mIoU"), "utf-8")
    with pytest.raises(UserError, match=f"{name} is damaged or was exchanged"):
        read(run)


def test_a_changed_last_state_is_not_gone_on_with(run: Path) -> None:
    (run / runs.METRICS).unlink()
    flip(run / runs.LAST)
    with pytest.raises(UserError, match=f"{runs.LAST} is damaged or was exchanged"):
        train(spec(), run, resume=True, quiet=True)


def test_weights_of_integers_are_refused(run: Path) -> None:
    weights, _ = read_tensors(run / runs.BEST)
    write_tensors(run / runs.BEST, {name: value.round().long() for name, value in weights.items()})
    with pytest.raises(UserError, match="do not fit"):
        load_run(run)


def test_a_run_without_its_manifest_is_refused(run: Path) -> None:
    (run / MANIFEST).unlink()
    with pytest.raises(UserError, match=f"{MANIFEST} is missing"):
        load_run(run)
    (run / MANIFEST).write_text("{}")
    with pytest.raises(UserError, match=f"{MANIFEST} is damaged"):
        load_run(run)


def test_a_run_from_before_there_were_manifests_is_read(run: Path) -> None:
    (run / MANIFEST).unlink()
    doc = json.loads((run / runs.RUN).read_text("utf-8"))
    (run / runs.RUN).write_text(json.dumps({**doc, "format": "emtm-run/1"}), "utf-8")
    assert load_run(run).name == "emtm-student"


@pytest.mark.parametrize("finished", [True, False])
def test_a_run_is_not_gone_on_with_once_the_annotations_changed(
    finished: bool, run: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not finished:
        (run / runs.METRICS).unlink()
        (run / runs.LAST).unlink()
    monkeypatch.setattr(setup, "open_source", lambda data: with_a_sentence_changed(dataset))
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(UserError, match="other annotations or word vectors of smoke"):
        train(spec(), run, resume=True, quiet=True)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_soft_labels_of_a_teacher_trained_anew_are_refused(run: Path, dataset: Dataset) -> None:
    found = find_soft_labels([str(run)], dataset, "cpu")
    assert find_soft_labels([str(run)], dataset, "cpu") == found
    retrained(run)
    for teacher in (run, run / "soft-labels-train.h5"):
        with pytest.raises(UserError, match=r"soft-labels-train\.h5 holds what emtm-student said before"):
            find_soft_labels([str(teacher)], dataset, "cpu")


def test_soft_labels_of_other_annotations_are_refused(run: Path, dataset: Dataset, tmp_path: Path) -> None:
    taught, smoothed = tmp_path / "taught.h5", tmp_path / "smoothed.h5"
    write_soft_labels(run, taught, dataset=dataset)
    write_smoothed_truth(dataset, smoothed)
    assert len(find_soft_labels([str(taught), str(smoothed)], dataset, "cpu")) == 2
    for file in (taught, smoothed):
        with pytest.raises(UserError, match=f"{file.name} was made with other annotations"):
            find_soft_labels([str(file)], with_a_sentence_changed(dataset), "cpu")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_moment_leaves_a_manifest_that_fits(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off before the new file is in its place, twice, or right after it."""
    manifest.begin(tmp_path)
    file = tmp_path / "a.json"
    write_json(file, {"epoch": 0})
    replace, number = Path.replace, 0

    def cut_off(self: Path, target: Path) -> Path:
        nonlocal number
        if moment == "before" and target == file:
            raise KeyboardInterrupt
        number += target == tmp_path / MANIFEST
        if moment == "after" and number == 2:
            raise KeyboardInterrupt
        return replace(self, target)

    for epoch in (1, 2):
        number = 0
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", cut_off)
            with pytest.raises(KeyboardInterrupt):
                write_json(file, {"epoch": epoch})
        assert json.loads(file.read_text()) == {"epoch": 0 if moment == "before" else epoch}
        manifest.check(file)
    with noted(file) as (partial,):
        partial.write_text("3")
    assert json.loads((tmp_path / MANIFEST).read_text())["files"] == {"a.json": [manifest.sha256(file)]}


def test_a_file_that_nobody_noted_is_refused(tmp_path: Path) -> None:
    manifest.begin(tmp_path)
    (tmp_path / "x.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="does not know it"):
        read_tensors(tmp_path / "x.safetensors")


def test_where_there_is_no_manifest_nothing_is_noted(tmp_path: Path) -> None:
    write_tensors(tmp_path / "x.safetensors", {"x": torch.ones(1)})
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]
    assert read_tensors(tmp_path / "x.safetensors")[0]["x"] == 1

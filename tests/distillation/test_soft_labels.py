"""`soft-labels` on a small trained run, and everything a user gets wrong."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from emtm.contract import AnyModel
from emtm.data.soft_labels import SoftLabelFile, open_soft_labels, read_soft_labels
from emtm.distillation.soft_labels import write_soft_labels
from emtm.errors import UserError
from emtm.training.evaluation import collator_for, evaluate_run, open_source
from emtm.training.runs import load_run

TINY = ["--set", "dim=16", "--set", "batch_size=64", "--set", "char_dim=4", "--set", "epochs=1", "--threads", "1"]


def emtm(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emtm", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """One sentence on stderr, exit code 2, no traceback."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "vslnet"
    result = emtm("train", "vslnet", "--dataset", "smoke", "--out", out, *TINY)
    assert result.returncode == 0, result.stderr
    return out


@pytest.fixture(scope="module")
def written(run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    out = tmp_path_factory.mktemp("labels") / "new folder" / "train.h5"
    result = emtm("soft-labels", run, "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    return out, json.loads(result.stdout)


def test_every_training_query_has_the_models_own_distribution(
    run: Path, written: tuple[Path, dict[str, object]]
) -> None:
    path, report = written
    teacher = load_run(run)
    dataset = open_source(teacher.spec.data)
    labels = open_soft_labels(SoftLabelFile(str(path), teacher.name, str(report["sha256"])), dataset)
    queries = dataset.splits["train"]
    assert len(labels) == len(queries) == report["queries"]
    chosen = [queries[i] for i in (0, 17, len(queries) - 1)]
    batch = collator_for(teacher.config, dataset, teacher.vocabulary).collate(chosen)
    with torch.inference_mode():
        expected = teacher.model.span_distribution(teacher.model(batch))
    given = labels.batch(batch.query_ids, batch.num_clips, batch.video.shape[1])
    torch.testing.assert_close(given, expected, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(given[0], given[1], atol=1e-3)


def test_the_file_says_where_it_comes_from(run: Path, written: tuple[Path, dict[str, object]]) -> None:
    path, report = written
    info, teacher = read_soft_labels(path).info, load_run(run)
    assert (info.teacher, info.dataset, info.split, info.seed) == (teacher.name, "smoke", "train", 0)
    assert info.config["dim"] == 16
    assert info.weights_sha256 == teacher.weights_sha256
    assert info.config_hash == json.loads((run / "run.json").read_text())["config_hash"]
    assert report["accuracy"] == info.accuracy


def test_accuracy_in_the_file_is_that_of_evaluate(run: Path, tmp_path: Path) -> None:
    result = emtm("soft-labels", run, "--out", tmp_path / "test.h5", "--split", "test", "--batch-size", 7)
    assert result.returncode == 0, result.stderr
    accuracy = read_soft_labels(tmp_path / "test.h5").info.accuracy
    scores = evaluate_run(run, "test").scores
    assert accuracy["r1"] == pytest.approx(scores.r1, abs=0.5)
    assert accuracy["miou"] == pytest.approx(scores.miou, abs=0.1)
    assert f"R1@0.5 on them is {accuracy['r1']['0.5']:.1f}" in result.stdout


def test_batch_size_does_not_matter(run: Path, tmp_path: Path) -> None:
    for size in (5, 64):
        write_soft_labels(run, tmp_path / f"{size}.h5", "val", batch_size=size)
    first, second = (read_soft_labels(tmp_path / f"{size}.h5") for size in (5, 64))
    for query in open_source(load_run(run).spec.data).splits["val"]:
        np.testing.assert_allclose(first[query.query_id], second[query.query_id], atol=1e-5)


def test_bad_input_on_the_command_line(run: Path, written: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    before = written[0].read_bytes()
    refused(emtm("soft-labels", run, "--out", written[0]), "already exists")
    assert written[0].read_bytes() == before
    refused(emtm("soft-labels", run, "--out", tmp_path / "deep" / "x.h5", "--split", "trian"), "train")
    assert not list(tmp_path.iterdir())


def test_bad_input(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "labels.h5"
    (tmp_path / "file").write_text("in the way")
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "best.safetensors").write_bytes(b"\0" * 100)
    for source, target, words in (
        (tmp_path, out, "run.json"),
        (run, tmp_path / "file" / "labels.h5", "cannot write"),
        (copy, out, "best.safetensors"),
    ):
        with pytest.raises(UserError, match=words):
            write_soft_labels(source, target)
    assert not out.parent.exists()


def test_a_model_that_gives_no_distribution_is_named(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = load_run(run)

    def logits(self: AnyModel, output: object) -> torch.Tensor:
        return torch.stack([output.start_logits, output.end_logits], 1)  # type: ignore[attr-defined]

    monkeypatch.setattr(type(teacher.model), "span_distribution", logits)
    with pytest.raises(UserError, match=f"{teacher.name} gives query .* no probability distribution"):
        write_soft_labels(run, tmp_path / "labels.h5", "val")
    assert not list(tmp_path.iterdir())


def test_interrupted_work_leaves_nothing(run: Path, tmp_path: Path) -> None:
    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_soft_labels(run, tmp_path / "deep" / "labels.h5", "val", progress=interrupt)
    assert not list(tmp_path.iterdir())

"""Training through the command line: seeds, resume after a kill, and everything a user gets wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from emtm.training.runs import find_runs, load_run, read_tensors, write_tensors

TINY = ["--set", "dim=16", "--set", "batch_size=64", "--set", "char_dim=4", "--threads", "1"]


def emtm(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emtm", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def train(out: Path, *extra: object, model: str = "emtm-student", epochs: int = 3) -> subprocess.CompletedProcess[str]:
    return emtm("train", model, "--dataset", "smoke", "--out", out, *TINY, "--set", f"epochs={epochs}", *extra)


def refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """One sentence on stderr, exit code 2, no traceback."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "student"
    result = train(out)
    assert result.returncode == 0, result.stderr
    return out


def weights(out: Path, name: str = "last.safetensors") -> dict[str, torch.Tensor]:
    return load_file(out / name)


def test_run_directory_is_complete(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["split"] == "test"
    assert metrics["protocol"] == "timestamp"
    assert {"fixed_best", "drawn_from_train", "query_only", "video_only"} <= set(metrics["floors"])
    assert metrics["training"]["epochs"] == 3
    history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert history[-1]["loss"]["total"] < history[0]["loss"]["total"]
    assert find_runs(run.parent) == [run]
    loaded = load_run(run)
    assert (loaded.name, loaded.dataset, loaded.seed) == ("emtm-student", "smoke", 0)


def test_same_seed_same_weights_other_seed_other_weights(run: Path, tmp_path: Path) -> None:
    train(tmp_path / "again")
    train(tmp_path / "other", "--seed", 1)
    first, again, other = weights(run), weights(tmp_path / "again"), weights(tmp_path / "other")
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not torch.equal(first["model.head.match.classify.weight"], other["model.head.match.classify.weight"])


def test_resume_after_a_kill_ends_with_the_same_weights(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "emtm", "train", "emtm-student", "--dataset", "smoke", "--out", str(out), *TINY]
    process = subprocess.Popen([*command, "--set", "epochs=3"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / "last.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "metrics.json").exists()
    assert train(out, "--resume").returncode == 0
    for name in ("last.safetensors", "best.safetensors"):
        whole, resumed = weights(run, name), weights(out, name)
        assert all(torch.equal(whole[k], resumed[k]) for k in whole)
    assert json.loads((out / "metrics.json").read_text())["r1"] == json.loads((run / "metrics.json").read_text())["r1"]


def test_evaluate_agrees_with_training_and_index_protocol_differs(run: Path) -> None:
    stored = json.loads((run / "metrics.json").read_text())
    evaluated = json.loads(emtm("evaluate", run).stdout)
    assert evaluated["r1"] == stored["r1"]
    assert evaluated["miou"] == pytest.approx(stored["miou"])
    index = json.loads(emtm("evaluate", run, "--protocol", "index").stdout)
    assert index["protocol"] == "index"
    assert index["miou"] != evaluated["miou"]


def test_predict_grounds_sentences_in_features(run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.random.default_rng(0).random((40, 1024), np.float32))
    result = emtm(
        "predict", run, "--video", tmp_path / "v.npy", "--duration", 20, "--query", "a person opens the door",
        "--query", "zyzzyva", "--top-k", 3,
    )  # fmt: skip
    answer = json.loads(result.stdout)
    assert [len(q["moments"]) for q in answer["queries"]] == [3, 3]
    assert answer["queries"][1]["unknown_words"] == ["zyzzyva"]
    assert all(0 <= s < e <= 20.001 for q in answer["queries"] for s, e, _ in q["moments"])


def test_finished_run_is_not_overwritten_and_resume_returns_it(run: Path) -> None:
    before = (run / "best.safetensors").read_bytes()
    refused(train(run), "--resume")
    assert train(run, "--resume").returncode == 0
    assert (run / "best.safetensors").read_bytes() == before


def test_resume_with_other_settings_is_refused(run: Path) -> None:
    refused(train(run, "--resume", epochs=5), "other settings")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "emtm-studnt", "--dataset", "smoke"], ["emtm-student"]),
        (["train", "vslnet", "--dataset", "smok"], ["smoke"]),
        (["train", "vslnet", "--dataset", "smoke", "--set", "dims=3"], ["dim"]),
        (["train", "vslnet", "--dataset", "smoke", "--set", "dim"], ["key=value"]),
        (["train", "vslnet", "--dataset", "smoke", "--set", "dim=many"], ["dim takes a whole number, not 'many'"]),
        (["train", "vslnet", "--dataset", "smoke", "--set", "dim=["], ["dim takes a whole number, not '['"]),
        (
            ["train", "tan2d", "--dataset", "smoke", "--set", "patience=abc"],
            ["patience", "whole number or null", "abc"],
        ),
        (["train", "tan2d", "--dataset", "smoke", "--set", "learning_rate=.inf"], ["learning_rate", "finite number"]),
        (["distill", "--dataset", "smoke", "--teachers", "absent", "--set", "patience=abc"], ["patience takes"]),
        (["reproduce", "--dataset", "smoke", "--set", "emtm.dim=x"], ["dim takes a whole number, not 'x'"]),
        (["train", "vslnet", "--dataset", "smoke", "--preset", "huge"], ["huge"]),
        (["train", "vslnet", "--dataset", "charades-sta"], ["charades-sta"]),
        (["train", "vslnet", "--dataset", "smoke", "--device", "tpu"], ["tpu"]),
        (["train", "vslnet", "--dataset", "smoke", "--set", "feature_dim=512"], ["1024", "512"]),
        (["train", "vslnet", "--dataset", "smoke", "--set", "word_dim=50"], ["300", "50"]),
        (["train", "vslnet", "--dataset", "smoke", "--set", "dim=30"], ["30", "4 heads"]),
        (["train", "vslnet", "--dataset", "smoke", "--set", "epochs=0"], ["epochs"]),
        (["train", "vslnet", "--dataset", "smoke", "--set", "max_clips=0"], ["max_clips"]),
        (["train", "vslnet", "--dataset", "smoke", "--set", "dropout=1.5"], ["dropout"]),
        (["train", "vslnet", "--dataset", "smoke", "--set", "predictor=gru"], ["'rnn'", "'transformer'"]),
        (["train", "vslnet", "--dataset", "smoke", "--set", "optimizer=sgd"], ["'adamw'"]),
    ],
)
def test_bad_training_input(arguments: list[str], words: list[str], tmp_path: Path) -> None:
    refused(emtm(*arguments, "--out", tmp_path / "run"), *words)
    assert not (tmp_path / "run").exists()


def test_unwritable_output(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    refused(train(tmp_path / "file" / "run"), "cannot write")


def test_bad_prediction_input(run: Path, tmp_path: Path) -> None:
    good = np.ones((5, 1024), np.float32)
    np.save(tmp_path / "narrow.npy", good[:, :512])
    np.save(tmp_path / "good.npy", good)
    good[2, 3] = np.nan
    np.save(tmp_path / "nan.npy", good)

    def ask(video: str, query: str = "a door", duration: float = 5) -> subprocess.CompletedProcess[str]:
        return emtm("predict", run, "--video", tmp_path / video, "--duration", duration, "--query", query)

    refused(ask("narrow.npy"), "512", "1024")
    refused(ask("nan.npy"), "NaN")
    refused(ask("absent.npy"), "absent.npy")
    refused(ask("good.npy", query="  "), "empty")
    refused(ask("good.npy", duration=-1), "positive")


@pytest.mark.parametrize("damage", ["truncate", "garbage", "remove", "mismatch"])
def test_damaged_checkpoint(run: Path, tmp_path: Path, damage: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    file = copy / "best.safetensors"
    if damage == "truncate":
        os.truncate(file, file.stat().st_size // 2)
    elif damage == "garbage":
        file.write_bytes(b"\0" * 100)
    elif damage == "remove":
        file.unlink()
    else:
        write_tensors(file, {"something": torch.zeros(3)})
    refused(emtm("evaluate", copy), "best.safetensors")


def test_evaluate_of_something_else(tmp_path: Path, run: Path) -> None:
    refused(emtm("evaluate", tmp_path), "run.json")
    refused(emtm("evaluate", run, "--split", "tests"), "test")
    refused(emtm("evaluate", run, "--protocol", "seconds"), "timestamp")


def test_failed_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": torch.ones(2)}, {"epoch": 1})
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_tensors(path, {"x": torch.zeros(2)})
    tensors, state = read_tensors(path)
    assert tensors["x"].tolist() == [1.0, 1.0]
    assert state == {"epoch": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]

"""Real annotations, real word vectors, real features: trained and grounded through the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .shared import SHARED, needs_shared

CHARADES = SHARED / "data" / "annotations" / "charades-sta"
GLOVE = SHARED / "data" / "glove" / "glove840b_charades_vocab_300d.npz"
ACTIVITYNET = SHARED / "data" / "annotations" / "activitynet-captions"
I3D = SHARED / "data" / "real-sample" / "v_GGSY1Qvo990.i3d_rgb_1s.npy"


def emtm(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emtm", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One epoch on the real sentences and moments of Charades-STA, with embedded features."""
    out = tmp_path_factory.mktemp("real") / "student"
    result = emtm(
        "train", "emtm-student", "--dataset", "charades-sta", "--root", CHARADES, "--features", "embedded",
        "--glove", GLOVE, "--preset", "compact", "--set", "epochs=1", "--set", "warmup_epochs=0",
        "--set", "batch_size=64", "--out", out, "--threads", 1,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return out


@needs_shared
@pytest.mark.slow
def test_one_epoch_on_real_sentences_and_moments(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["dataset"] == "charades-sta+embedded"
    assert metrics["synthetic"]
    assert metrics["queries"] == 3720
    history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert len(history) == 1
    # Embedded features stage the words of the sentence, so even one epoch leaves blind guessing behind.
    assert metrics["miou"] > metrics["floors"]["drawn_from_train"]["miou"]
    vocabulary = json.loads((run / "vocabulary.json").read_text())
    assert {"person", "door", "laptop"} <= set(vocabulary["words"])


@needs_shared
@pytest.mark.slow
def test_real_queries_of_a_real_video(run: Path) -> None:
    annotated = json.loads((ACTIVITYNET / "val_1.json").read_text())["v_GGSY1Qvo990"]
    queries = [part for sentence in annotated["sentences"] for part in ("--query", sentence.strip())]
    result = emtm("predict", run, "--video", I3D, "--duration", annotated["duration"], *queries)
    assert result.returncode == 0, result.stderr
    answers = json.loads(result.stdout)["queries"]
    assert [a["query"] for a in answers] == [s.strip() for s in annotated["sentences"]]
    for answer in answers:
        assert all(0 <= s < e <= annotated["duration"] + 1e-3 for s, e, _ in answer["moments"])


@needs_shared
def test_real_dataset_without_features_says_so() -> None:
    result = emtm("train", "vslnet", "--dataset", "charades-sta", "--root", CHARADES, "--glove", GLOVE, "--out", "x")
    assert result.returncode == 2
    assert "features" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1

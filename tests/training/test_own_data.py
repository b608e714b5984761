"""A stranger's own Charades-STA folder: trained when sound, refused in one sentence when not."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

WORDS = ["a", "person", "opens", "closes", "the", "door", "window", "sits", "down", "."]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve training videos and three test videos in the official layout, features as .npy."""
    generator = np.random.default_rng(0)
    root = tmp_path / "charades"
    (root / "features").mkdir(parents=True)
    durations: dict[str, dict[str, object]] = {}
    lines: dict[str, list[str]] = {"train": [], "test": []}
    for i in range(15):
        video, split = f"V{i:03d}", "train" if i < 12 else "test"
        durations[video] = {"subset": split, "duration": 20.0 + i, "actions": []}
        for sentence in ("a person opens the door.", "person sits down."):
            start = float(generator.uniform(0, 10))
            lines[split].append(f"{video} {start:.1f} {start + 6:.1f}##{sentence}")
        np.save(root / "features" / f"{video}.npy", generator.random((25 + i, 32), np.float32))
    (root / "charades.json").write_text(json.dumps(durations))
    for split, rows in lines.items():
        (root / f"charades_sta_{split}.txt").write_text("\n".join(rows) + "\n")
    vectors = generator.standard_normal((len(WORDS), 300)).astype(np.float32)
    np.savez(root / "glove.npz", words=np.array(WORDS), vectors=vectors)
    return root


def train(root: Path, out: Path, *extra: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "emtm", "train", "vslnet", "--dataset", "charades-sta", "--root", str(root),
        "--glove", str(root / "glove.npz"), "--preset", "compact", "--set", "epochs=1",
        "--set", "dim=16", "--threads", "1", "--out", str(out), *extra,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=False)


def refused(result: subprocess.CompletedProcess[str], out: Path, *words: str) -> None:
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    # A progress bar may have been drawn before the error; the error itself is one line.
    assert len([line for line in result.stderr.splitlines() if line.startswith("error: ")]) == 1
    for word in words:
        assert word in result.stderr
    assert not out.exists()


def test_sound_folder_trains(folder: Path, tmp_path: Path) -> None:
    """For features as wide as the files have them."""
    result = train(folder, tmp_path / "run", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "run" / "run.json").read_text())["config"]["feature_dim"] == 32
    metrics = json.loads(result.stdout)
    assert (metrics["dataset"], metrics["queries"], metrics["synthetic"]) == ("charades-sta", 6, False)


def test_features_with_nan(folder: Path, tmp_path: Path) -> None:
    rows = np.load(folder / "features" / "V005.npy")
    rows[3, 4] = np.nan
    np.save(folder / "features" / "V005.npy", rows)
    refused(train(folder, tmp_path / "run"), tmp_path / "run", "V005", "NaN")


def test_missing_features(folder: Path, tmp_path: Path) -> None:
    """One message lists those of all splits."""
    for video in ("V003", "V013"):
        (folder / "features" / f"{video}.npy").unlink()
    refused(train(folder, tmp_path / "run"), tmp_path / "run", "2 of 15 videos are missing", "V003", "V013")


def test_wrong_feature_width(folder: Path, tmp_path: Path) -> None:
    refused(train(folder, tmp_path / "run", "--set", "feature_dim=64"), tmp_path / "run", "32", "64")


def test_blank_sentences_are_left_out_and_counted(folder: Path, tmp_path: Path) -> None:
    path = folder / "charades_sta_train.txt"
    path.write_text(path.read_text().replace("a person opens the door.", " ", 1))
    result = train(folder, tmp_path / "run", "--json")
    assert result.returncode == 0, result.stderr
    assert any("1 sentences without a word dropped" in note for note in json.loads(result.stdout)["notes"])

"""Raw video through the command line: extract, train on the features, ground a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from emtm.cli import app
from emtm.training.runs import write_json
from tests.videos import needs_video, write_sound, write_video

WORDS = ["a", "person", "opens", "closes", "the", "door", "sits", "down", "."]
SECONDS, VIDEOS, TRAINED = 4, 10, 8


def emtm(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emtm", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The same command in this process, which spares the start of another."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


def refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short videos of noise that is different in each."""
    folder = tmp_path_factory.mktemp("videos")
    generator = np.random.default_rng(0)
    for i in range(VIDEOS):
        pictures = generator.integers(0, 256, (2 * SECONDS, 12, 16, 3), np.uint8).repeat(4, 1).repeat(4, 2)
        write_video(folder / f"V{i}.mp4", [k / 2 for k in range(2 * SECONDS)], pictures=list(pictures))
    return folder


@pytest.fixture(scope="module")
def features(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("features") / "lite0"
    result = emtm("extract", videos, "--out", out, "--fps", 1, "--threads", 1, "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert [row["status"] for row in report["videos"]] == ["written"] * VIDEOS
    assert {row["rows"] for row in report["videos"]} == {SECONDS}
    assert report["origin"]["fps"] == 1
    return out


@pytest.fixture(scope="module")
def run(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student trained for an epoch on the extracted features, in the layout of Charades-STA."""
    root, out = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("runs") / "student"
    durations = {
        f"V{i}": {"subset": "train" if i < TRAINED else "test", "duration": float(SECONDS)} for i in range(VIDEOS)
    }
    (root / "charades.json").write_text(json.dumps({v: {**d, "actions": []} for v, d in durations.items()}))
    for split in ("train", "test"):
        lines = [f"{v} 1.0 3.0##a person opens the door." for v, d in durations.items() if d["subset"] == split]
        (root / f"charades_sta_{split}.txt").write_text("\n".join(lines * 2) + "\n")
    vectors = np.random.default_rng(0).standard_normal((len(WORDS), 300)).astype(np.float32)
    np.savez(root / "glove.npz", words=np.array(WORDS), vectors=vectors)
    result = emtm(
        "train", "emtm-student", "--dataset", "charades-sta", "--root", root, "--features", features,
        "--glove", root / "glove.npz", "--preset", "compact", "--set", "feature_dim=1280", "--set", "epochs=1",
        "--threads", 1, "--out", out,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return out


@needs_video
@pytest.mark.slow
def test_a_run_on_extracted_features_grounds_raw_video(videos: Path, features: Path, run: Path) -> None:
    assert json.loads((run / "features.json").read_text()) == json.loads((features / "origin.json").read_text())
    asked = ("--query", "a person opens the door", "--query", "a dog sits down", "--top-k", 2)
    raw = emtm("predict", run, "--video", videos / "V9.mp4", *asked)
    assert raw.returncode == 0, raw.stderr
    found = json.loads(raw.stdout)
    assert found["duration_s"] == pytest.approx(SECONDS, abs=0.1)
    assert (found["features"]["rows"], found["features"]["frames"]) == (SECONDS, SECONDS)
    assert found["queries"][1]["unknown_words"] == ["dog", "sits", "down"]
    # The same rows from the file that training read: one way of extraction, not two.
    rows = emtm("predict", run, "--video", features / "V9.npy", "--duration", found["duration_s"], *asked)
    assert rows.returncode == 0, rows.stderr
    for ours, theirs in zip(found["queries"], json.loads(rows.stdout)["queries"], strict=True):
        assert np.array(ours["moments"]) == pytest.approx(np.array(theirs["moments"]), abs=1e-3)


@needs_video
@pytest.mark.slow
def test_what_predict_refuses(videos: Path, features: Path, run: Path, tmp_path: Path) -> None:
    ask = ("predict", run, "--query", "a person opens the door", "--video")
    refused(here(*ask, features / "V9.npy"), "--duration")
    refused(here(*ask, videos / "V9.mp4", "--duration", SECONDS), "--duration")
    refused(here(*ask, tmp_path / "absent.mp4"), "there is no video")
    refused(here(*ask, tmp_path / "absent.xyz", "--duration", SECONDS), "there is no feature file")
    (tmp_path / "empty.mp4").touch()
    refused(here(*ask, tmp_path / "empty.mp4"), "is no video or is damaged")
    (run / "features.json").rename(tmp_path / "kept.json")
    try:
        refused(here(*ask, videos / "V9.mp4"), "features of unknown origin", "1,280 wide", "emtm extract")
        other = {**json.loads((tmp_path / "kept.json").read_text()), "backbone": "i3d"}
        (run / "features.json").write_text(json.dumps(other))
        refused(here(*ask, videos / "V9.mp4"), "features.json", "exchanged")
        write_json(run / "features.json", other)
        refused(here(*ask, videos / "V9.mp4"), "made with i3d")
    finally:
        write_json(run / "features.json", json.loads((tmp_path / "kept.json").read_text()))


@needs_video
@pytest.mark.slow
def test_extract_goes_on_and_names_what_it_cannot_read(videos: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "good.mp4").write_bytes((videos / "V0.mp4").read_bytes())
    (mixed / "bad.mp4").write_bytes(b"no video" * 100)
    out = tmp_path / "out"
    first = emtm("extract", mixed, "--out", out, "--fps", 1)
    assert first.returncode == 2
    assert "1 videos written" in first.stdout
    assert first.stderr.count("\n") == 1
    assert "bad.mp4 is no video or is damaged" in first.stderr
    assert sorted(p.name for p in out.iterdir()) == ["good.npy", "origin.json", "videos.jsonl"]
    written = (out / "good.npy").stat().st_mtime_ns
    (mixed / "bad.mp4").write_bytes((videos / "V1.mp4").read_bytes())
    second = emtm("extract", mixed, "--out", out, "--fps", 1, "--json")
    assert second.returncode == 0, second.stderr
    assert {r["video_id"]: r["status"] for r in json.loads(second.stdout)["videos"]} == {
        "good": "present",
        "bad": "written",
    }
    assert (out / "good.npy").stat().st_mtime_ns == written


@needs_video
def test_extract_leaves_nothing_where_nothing_could_be_read(tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "sound.mp4")
    refused(here("extract", sound, "--out", tmp_path / "out"), "has no video stream, only sound")
    refused(here("extract", sound, "--out", tmp_path / "out", "--fps", 2.5), "not a whole number")
    refused(here("extract", tmp_path / "absent", "--out", tmp_path / "out"), "there is no")
    assert not (tmp_path / "out").exists()


def test_without_the_extra_there_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"x")
    # A package that cannot be imported stands for one that is not there.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "known = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'av' else known(name, package)\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", str(Path.cwd()))])
    result = emtm("extract", tmp_path / "clip.mp4", "--out", tmp_path / "out", PYTHONPATH=path)
    refused(result, "av", "pip install 'emtm-bench[video]'")
    assert not (tmp_path / "out").exists()

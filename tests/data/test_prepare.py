"""What `prepare` finds in a folder, and that training holds its manifest against the files."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emtm.data import benchmarks, word_vectors
from emtm.data.annotations import Policy
from emtm.data.benchmarks import Benchmark, Count
from emtm.data.datasets import open_dataset, open_queries
from emtm.data.prepare import Inspection, prepare
from emtm.data.records import WordVectors
from emtm.errors import UserError
from tests.shared import SHARED, needs_shared

MANIFEST = "tacos.manifest.json"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """TACoS in small: eight videos, features, word vectors."""
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "tacos"
    (root / "features").mkdir(parents=True)
    for split, videos in {"train": range(6), "val": range(6, 7), "test": range(7, 8)}.items():
        entry = {"fps": 10, "num_frames": 200, "timestamps": [[10, 50], [60, 55]], "sentences": ["a red cat", "a door"]}
        (root / f"{split}.json").write_text(json.dumps({f"v{i}.avi": entry for i in videos}))
    for i in range(8):
        np.save(root / "features" / f"v{i}.npy", np.ones((5 + i, 6), np.float32))
    np.savez(root / "glove.npz", words=np.array(["a", "cat"]), vectors=np.eye(2, dtype=np.float32))
    return root


def whole(root: Path, **changes: Any) -> Inspection:
    return prepare("tacos", root, glove=root / "glove.npz", **changes)


def test_a_sound_folder_is_ready(root: Path) -> None:
    done: list[int] = []
    found = whole(root, progress=done.append)
    assert found.ready
    assert (found.missing, found.wrong) == ([], [])
    assert found.splits["train"] == {"queries": 6, "videos": 6}
    assert found.files["train"]["annotated"] == 12
    assert found.features == {"width": 6, "videos": 8, "wanted": 8, "fewest_rows": 5, "most_rows": 12}
    assert found.word_vectors == {
        "width": 2,
        "tokens": 24,
        "known_tokens": 16,
        "words": 3,
        "known_words": 2,
        "unknown": {"red": 8},
    }
    assert "word vectors of 2 of 3 words, 66.67 % of 24 tokens; without: 'red' (8); 2 wide" in found.found
    assert found.manifest == root / MANIFEST
    assert sum(done) == 8 + 8 + 1 + 3
    json.dumps(found.to_json(), allow_nan=False)
    assert len(open_dataset("tacos", root, glove=root / "glove.npz").splits["train"]) == 6


def test_what_is_missing_comes_with_its_source(root: Path) -> None:
    (root / "val.json").unlink()
    found = prepare("tacos", root)
    assert not found.annotations_sound
    assert found.manifest is None
    assert not (root / MANIFEST).exists()
    assert len(found.missing) == 1
    assert "val.json" in found.missing[0]
    assert "https://github.com/microsoft/VideoX" in found.missing[0]


def test_missing_features_and_vectors(root: Path) -> None:
    (root / "features" / "v3.npy").unlink()
    found = prepare("tacos", root)
    assert found.annotations_sound
    assert not found.ready
    assert "1 of 8 videos (v3)" in found.missing[0]
    assert "glove.840B" in found.missing[1]
    assert found.manifest is not None


def test_what_is_wrong_is_named(root: Path) -> None:
    rows = np.ones((5, 6), np.float32)
    rows[2, 3] = np.nan
    np.save(root / "features" / "v2.npy", rows)
    assert any("v2" in finding and "NaN" in finding for finding in whole(root).wrong)
    (root / "test.json").write_text('{"v7.avi": {"timestamps": []}}')
    found = whole(root)
    assert any("test.json, video 'v7.avi'" in finding for finding in found.wrong)
    assert not found.annotations_sound


def test_the_folder_of_another_benchmark_is_wrong(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks share file names, so that a wrong folder reads well; the published counts give it away."""
    other = Benchmark(
        name="other",
        title="Other",
        files={"train": ("train.json",)},
        counts={"train": (Count(12, 6, "official"),)},
        licence="",
        annotation_source="",
        feature_source="",
        video_source="",
    )
    monkeypatch.setattr(benchmarks, "BENCHMARKS", {**benchmarks.BENCHMARKS, "other": other})
    found = whole(root)
    assert not found.ready
    assert f"{root / 'train.json'} holds the published train of Other (official), not TACoS" in found.wrong
    assert found.manifest is None
    # Who trains without asking is told by every table.
    assert "the published train of Other (official), not TACoS" in open_queries("tacos", root).notes[0]


def test_embedded_features_need_nothing_more(root: Path) -> None:
    found = prepare("tacos", root, features="embedded")
    assert found.ready
    assert any("synthetic videos" in finding for finding in found.found)
    assert open_dataset("tacos", root, "embedded").synthetic


def test_vectors_of_an_installed_package_are_no_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = WordVectors(("a", "cat"), np.eye(2, dtype=np.float32))
    monkeypatch.setattr(word_vectors, "read_packaged", lambda name, wanted: vectors)
    found = prepare("tacos", root, glove=Path("glove-6b-50d"))
    assert found.ready
    assert open_dataset("tacos", root, glove=Path("glove-6b-50d")).word_vectors.words == ("a", "cat")


def test_videos_shared_with_train_are_wrong(root: Path) -> None:
    (root / "test.json").write_text((root / "train.json").read_text())
    assert "6 videos of train are in test too" in whole(root).wrong


@pytest.mark.parametrize("changed", ["train.json", "features/v1.npy", "glove.npz"])
def test_training_refuses_what_has_changed_since(root: Path, changed: str) -> None:
    whole(root)
    path = root / changed
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    with pytest.raises(UserError, match=f"{changed}.*run `python -m emtm prepare tacos` again"):
        open_dataset("tacos", root, glove=root / "glove.npz")
    # Features and word vectors that a reader does not use do not matter to it.
    if changed != "train.json":
        assert open_queries("tacos", root)


def test_a_copy_with_other_times_is_the_same(root: Path) -> None:
    whole(root)
    for path in (*root.glob("*.json"), *root.glob("features/*")):
        os.utime(path, ns=(1, 1))
    assert open_dataset("tacos", root, glove=root / "glove.npz")


def test_lost_features_are_a_change(root: Path) -> None:
    whole(root)
    (root / "features" / "v1.npy").unlink()
    with pytest.raises(UserError, match=r"v1\.npy"):
        open_dataset("tacos", root, glove=root / "glove.npz")


def test_the_policy_of_the_manifest_is_the_one_trained_with(root: Path) -> None:
    assert len(open_queries("tacos", root).splits["train"]) == 6
    whole(root, policy=Policy(empty="keep"))
    annotations = open_queries("tacos", root)
    assert len(annotations.splits["train"]) == 12
    assert "6 empty or inverted moments kept" in annotations.notes[0]


def test_damaged_manifest(root: Path) -> None:
    for text in ("{", "[]", '{"format": "other"}'):
        (root / MANIFEST).write_text(text)
        with pytest.raises(UserError, match="damaged or from another version"):
            open_queries("tacos", root)


def test_a_folder_that_is_read_only_is_left_alone(root: Path, tmp_path: Path) -> None:
    root.chmod(0o555)
    try:
        found = whole(root)
        assert found.manifest is not None
        assert found.manifest.is_relative_to(tmp_path / "cache")
        assert not (root / MANIFEST).exists()
    finally:
        root.chmod(0o755)
    (root / "train.json").write_text((root / "train.json").read_text() + " ")
    with pytest.raises(UserError, match="changed since"):
        open_queries("tacos", root)


def test_unknown_dataset_and_folder(root: Path) -> None:
    with pytest.raises(UserError, match="unknown real dataset"):
        prepare("smoke", root)
    with pytest.raises(UserError, match="there is no directory"):
        prepare("tacos", root / "absent")


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    whole_command = [sys.executable, "-m", "emtm", "prepare", *map(str, arguments)]
    return subprocess.run(whole_command, capture_output=True, text=True, check=False)


def test_command(root: Path) -> None:
    sound = command("tacos", "--root", root, "--glove", root / "glove.npz")
    assert sound.returncode == 0, sound.stderr
    assert "ready to train" in sound.stdout.splitlines()
    (root / "val.json").unlink()
    lacking = command("tacos", "--root", root, "--json")
    assert lacking.returncode == 1
    assert not json.loads(lacking.stdout)["ready"]
    bad = command("tacos", "--root", root / "absent")
    assert bad.returncode == 2
    assert len(bad.stderr.splitlines()) == 1


@needs_shared
def test_real_annotations_without_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path))
    root = tmp_path / "activitynet"
    root.mkdir()
    for file in (SHARED / "data/annotations/activitynet-captions").iterdir():
        shutil.copyfile(file, root / file.name)
    found = prepare("activitynet-captions", root)
    assert found.annotations_sound
    assert {split: report["annotated"] for split, report in found.files.items()} == {
        "train": 37421,
        "val": 17505,
        "test": 17031,
    }
    assert found.wrong == []
    assert sorted(p.name for p in root.iterdir()) == [
        "activitynet-captions.manifest.json", "train.json", "val_1.json", "val_2.json"
    ]  # fmt: skip

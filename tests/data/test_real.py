"""Real benchmarks opened from small folders in their layouts, and from the real annotations."""

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from emtm.data.annotations import Policy, read_annotations
from emtm.data.benchmarks import BENCHMARKS, benchmark
from emtm.data.choices import Empty
from emtm.data.datasets import dataset_names, describe, open_dataset, open_queries
from emtm.data.real import file_note
from emtm.data.records import Dataset
from emtm.errors import UserError
from tests.shared import SHARED, needs_shared

REAL = SHARED / "data" / "annotations"


def captions(videos: range, duration: float = 20.0) -> dict[str, object]:
    return {
        f"v{i}": {"duration": duration, "timestamps": [[1, 5], [2, 9]], "sentences": ["a door", "a cat"]}
        for i in videos
    }


def put(root: Path, **contents: object) -> Path:
    for name, content in contents.items():
        (root / f"{name}.json").write_text(json.dumps(content))
    return root


def windows(root: Path, name: str, qids: range, annotated: bool = True) -> None:
    entries = [
        {"qid": i, "vid": f"v{i}", "query": "a cat", "duration": 150}
        | ({"relevant_windows": [[0, 10], [20, 60]]} if annotated else {})
        for i in qids
    ]
    (root / name).write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def sizes(dataset: Dataset) -> dict[str, int]:
    return {split: len(queries) for split, queries in dataset.splits.items()}


def test_every_fixed_name_is_there_and_described() -> None:
    fixed = {"charades-sta", "activitynet-captions", "tacos", "charades-cd", "activitynet-cd", "qvhighlights"}
    assert fixed == set(BENCHMARKS) < set(dataset_names())
    for name in fixed:
        about = describe(name)
        assert not about["synthetic"]
        assert "http" in about["source"]
        assert about["licence"]
        assert about["embedded"] == "nothing"
    with pytest.raises(UserError, match="did you mean 'tacos'"):
        benchmark("taco")


def test_activitynet_by_either_name(tmp_path: Path) -> None:
    put(tmp_path, train=captions(range(8)), val=captions(range(8, 10)), test=captions(range(10, 13)))
    dataset = open_dataset("activitynet-captions", tmp_path, "embedded")
    assert sizes(dataset) == {"train": 16, "val": 4, "test": 6}
    assert dataset.name == "activitynet-captions+embedded"
    assert dataset.features["v0"].shape[1] == 1024
    assert any("a count that no publication gives" in note for note in dataset.notes)
    assert any("two annotations of the same videos" in note for note in dataset.notes)
    put(tmp_path, val_2=captions(range(20, 21)))
    assert sizes(open_queries("activitynet-captions", tmp_path))["test"] == 2


def test_overlapping_videos_are_told(tmp_path: Path) -> None:
    put(tmp_path, train=captions(range(8)), val=captions(range(8, 10)), test=captions(range(6, 13)))
    notes = open_queries("tacos", tmp_path).notes
    assert "2 videos of train are in test too" in notes


def test_changing_distribution_has_two_test_sets(tmp_path: Path) -> None:
    for i, split in enumerate(("train", "val", "test_iid", "test_ood")):
        put(tmp_path, **{f"charades_{split}": captions(range(10 * i, 10 * i + 5 + i))})
    annotations = open_queries("charades-cd", tmp_path)
    assert sizes(annotations) == {"train": 10, "val": 12, "test-iid": 14, "test-ood": 16, "test": 16}
    assert annotations.splits["test"] == annotations.splits["test-ood"]
    assert "test: the same as test-ood" in annotations.notes


def test_qvhighlights_with_and_without_its_secret_test(tmp_path: Path) -> None:
    windows(tmp_path, "highlight_train_release.jsonl", range(40))
    windows(tmp_path, "highlight_val_release.jsonl", range(40, 46))
    windows(tmp_path, "highlight_test_release.jsonl", range(46, 50), annotated=False)
    annotations = open_queries("qvhighlights", tmp_path)
    assert sizes(annotations) == {"train": 36, "val": 4, "test": 6}
    assert any("test: the official val" in note for note in annotations.notes)
    assert any("4 sentences without windows left out" in note for note in annotations.notes)
    assert annotations.splits["test"][0].windows == ((0, 10), (20, 60))
    windows(tmp_path, "highlight_test_with_gt.jsonl", range(46, 50))
    assert sizes(open_queries("qvhighlights", tmp_path)) == {"train": 40, "val": 6, "test": 4}


def test_absent_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no directory"):
        open_queries("tacos", tmp_path / "absent")
    put(tmp_path, train=captions(range(3)))
    with pytest.raises(UserError, match=r"lacks val\.json or tacos_val_release\.jsonl \(val\); test\.json"):
        open_queries("tacos", tmp_path)
    with pytest.raises(UserError, match=r"charades\.json or Charades_v1"):
        open_queries("charades-sta", tmp_path)
    with pytest.raises(UserError, match="needs the directory"):
        open_queries("tacos")
    with pytest.raises(UserError, match="unknown real dataset"):
        open_queries("smoke", tmp_path)


def test_features_of_every_video_or_a_note(tmp_path: Path) -> None:
    put(tmp_path, train=captions(range(4)), val=captions(range(4, 5)), test=captions(range(5, 6)))
    (tmp_path / "features").mkdir()
    for i in range(5):
        np.save(tmp_path / "features" / f"v{i}.npy", np.ones((7, 6), np.float32))
    np.savez(tmp_path / "glove.npz", words=np.array(["a", "door", "cat"]), vectors=np.eye(3, dtype=np.float32))
    dataset = open_dataset("tacos", tmp_path, glove=tmp_path / "glove.npz")
    assert (dataset.name, dataset.synthetic, dataset.features.dim) == ("tacos", False, 6)
    assert "1 videos have no features, v5 first" in dataset.notes
    with pytest.raises(UserError, match="needs a file of word vectors"):
        open_dataset("tacos", tmp_path)


def test_published_versions_are_told_apart() -> None:
    anet = BENCHMARKS["activitynet-captions"]
    split, version = anet.recognise("test", 17505, 4917)
    assert (split, version.label) == ("val", "val_1")
    split, version = anet.recognise("test", 15333, 4400)
    assert (split, version.label) == ("test", "I3D subset of val_2, EMTM's test set")
    assert anet.recognise("test", 5, 5) == (None, None)


@needs_shared
@pytest.mark.parametrize(
    ("path", "name", "label"),
    [
        ("charades-cd/charades_test_ood.json", "charades-cd", "official"),
        ("activitynet-cd/anet_test_ood.json", "activitynet-cd", "official"),
        ("tacos-tall/test.json", "tacos", "TALL split"),
    ],
)
def test_a_published_file_is_recognised_whatever_is_done_to_its_moments(path: str, name: str, label: str) -> None:
    known = BENCHMARKS[name]
    for empty in get_args(Empty):
        read = read_annotations(REAL / path, policy=Policy(empty=empty))
        note = file_note(known, known.test_alias or "test", read)
        assert note.endswith(f"; {label}"), note


@needs_shared
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("charades-sta", {"train": 11111, "val": 1297, "test": 3720}),
        ("activitynet-captions", {"train": 37417, "val": 17505, "test": 17031}),
        ("tacos", {"train": 9790, "val": 4436, "test": 4001}),
    ],
)
def test_splits_of_the_real_annotations(name: str, counts: dict[str, int]) -> None:
    annotations = open_queries(name, REAL / name)
    assert sizes(annotations) == counts
    notes = " ".join(annotations.notes)
    official = {"charades-sta": "12,408 queries", "activitynet-captions": "37,421 annotated", "tacos": "9,790 queries"}
    assert official[name] in notes
    assert "no publication" not in notes


@needs_shared
def test_real_charades_with_embedded_features() -> None:
    dataset = open_dataset("charades-sta", REAL / "charades-sta", "embedded")
    assert dataset.synthetic
    assert any("embedded features" in note for note in dataset.notes)
    videos = {split: {query.video_id for query in queries} for split, queries in dataset.splits.items()}
    assert (len(videos["train"]), len(videos["val"]), len(videos["test"])) == (4804, 534, 1334)
    assert not videos["train"] & videos["val"]
    assert dataset.features[next(iter(videos["val"]))].shape == (64, 1024)


@needs_shared
def test_real_charades_without_features_or_vectors() -> None:
    root = REAL / "charades-sta"
    with pytest.raises(UserError, match="say where the features are"):
        open_dataset("charades-sta", root)
    with pytest.raises(UserError, match="needs a file of word vectors"):
        open_dataset("charades-sta", root, SHARED / "data/real-sample")

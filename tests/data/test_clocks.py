"""Clocks of features, and features that are read once: through `prepare`, the manifest and `train`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from typer.testing import CliRunner

from emtm.cli import app
from emtm.data.annotations import read_annotations
from emtm.data.clocks import Stated, durations, read_clock
from emtm.data.datasets import open_dataset
from emtm.data.features import DirectoryStore, check_values, open_store
from emtm.errors import UserError
from tests.shared import SHARED, needs_shared

ROWS = {"v0": 40, "v1": 41, "v2": 38, "v3": 40}
"""Of videos of 20 s; v3 is the test split's."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """TACoS of four videos with two rows a second."""
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "tacos"
    (root / "features").mkdir(parents=True)
    for split, videos in {"train": ("v0", "v1"), "val": ("v2",), "test": ("v3",)}.items():
        entry = {"duration": 20.0, "timestamps": [[1, 5]], "sentences": ["a door"]}
        (root / f"{split}.json").write_text(json.dumps(dict.fromkeys(videos, entry)))
    for video, count in ROWS.items():
        put(root, video, count)
    np.savez(root / "glove.npz", words=np.array(["a", "door"]), vectors=np.ones((2, 300), np.float32))
    return root


def put(root: Path, video: str, count: int, value: float = 1.0) -> None:
    array = np.ones((count, 8), np.float32)
    array[-1, -1] = value
    np.save(root / "features" / f"{video}.npy", array)


def command(root: Path, name: str, *options: object) -> tuple[int, str]:
    """Exit code and what was said."""
    sources: Sequence[object] = ("--root", root, "--glove", root / "glove.npz")
    head: Sequence[object] = ("prepare", "tacos")
    if name == "train":
        settings = ("feature_dim=8", "dim=16", "heads=2", "epochs=1")
        head = ("train", "emtm-student", "--dataset", "tacos", "--preset", "compact", "--out", root.parent / "run")
        head = (*head, *(part for setting in settings for part in ("--set", setting)))
    result = CliRunner().invoke(app, list(map(str, (*head, *sources, *options))))
    return result.exit_code, result.output


def test_what_prepare_says_of_the_clock_is_remembered(root: Path) -> None:
    code, said = command(root, "prepare", "--json", "--clip-s", "0.50")
    assert code == 0, said
    found = json.loads(said)
    assert found["clock"] == {
        "videos": 4, "typical_s": 0.5, "least_s": 20 / 41, "most_s": 20 / 38, "rows": None, "stated": "0.5", "off": {},
    }  # fmt: skip
    dataset = open_dataset("tacos", root, glove=root / "glove.npz")
    assert (dataset.clip_s, dataset.features_read) == ("0.5", True)
    assert "a row stands for 0.5 s (0.488 to 0.526 s), as stated (0.5 s)" in dataset.notes
    put(root, "v4", 40)
    assert not open_dataset("tacos", root, glove=root / "glove.npz").features_read


def test_an_outlier_is_wrong_until_the_clock_is_stated(root: Path) -> None:
    put(root, "v3", 10)
    sentence = "v3 (10 rows for 20 s, 2 s a row); if that is right, say --clip-s 0.488-2"
    code, said = command(root, "prepare")
    assert code == 1 and sentence in " ".join(said.split())
    code, said = command(root, "train")
    assert code == 2 and sentence in said
    assert not (root.parent / "run").exists()
    assert command(root, "prepare", "--clip-s", "0.488-2")[0] == 0
    code, said = command(root, "train", "--clip-s", "0.5")
    assert code == 2 and "the rows of 1 of 4 videos do not stand for the 0.5 s that --clip-s states" in said


def test_a_run_remembers_what_was_stated(root: Path) -> None:
    put(root, "v3", 10)
    code, said = command(root, "train", "--clip-s", "0.4-2.0")
    assert code == 0, said
    run = root.parent / "run"
    assert json.loads((run / "run.json").read_text())["data"]["clip_s"] == "0.4-2"
    assert "as stated (0.4-2 s)" in json.loads((run / "metrics.json").read_text())["training"]["clock"]
    result = CliRunner().invoke(app, ["evaluate", str(run)])
    assert result.exit_code == 0, result.output


def test_nan_in_a_test_video_is_found_before_training(root: Path) -> None:
    put(root, "v3", 40, np.nan)
    code, said = command(root, "train")
    assert code == 2
    assert "features of video 'v3' hold NaN or infinity in row 39" in said
    assert not (root.parent / "run").exists()


def test_features_are_read_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    def check() -> None:
        check_values(open_store(root / "features"), root / "features", ROWS, done.append)

    def refuse(self: object, video_id: str) -> NoReturn:
        raise UserError(f"{video_id} was read again")

    check()
    assert done == [1, 2, 3, 4]
    monkeypatch.setattr(DirectoryStore, "__getitem__", refuse)
    check()
    put(root, "v2", 39)
    with pytest.raises(UserError, match="v0 was read again"):
        check()


def test_stores_of_other_times_are_not_joined(root: Path) -> None:
    (root / "more").mkdir()
    for video, count in ROWS.items():
        np.save(root / "more" / f"{video}.npy", np.ones((2 * count, 4), np.float32))
    places = f"{root / 'features'},{root / 'more'}"
    with pytest.raises(UserError, match=r"'v0' has 40 rows in .*features and 80 in .*more: rows of different times"):
        open_store(places)["v0"]
    for name, expected in {"prepare": 1, "train": 2}.items():
        code, said = command(
            root, name, "--features", places, *(("--set", "feature_dim=12") if name == "train" else ())
        )
        assert code == expected and "rows of different times cannot be put side by side" in said


@pytest.mark.parametrize(("text", "shown"), [("0.5", "0.5"), ("2", "2"), ("0.20-0.7", "0.2-0.7")])
def test_a_stated_clock(text: str, shown: str) -> None:
    assert str(Stated.read(text)) == shown


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "nan", "inf", "2-1", "0-1", "1-", "1-2-3"])
def test_no_clock(text: str) -> None:
    with pytest.raises(UserError, match="--clip-s takes"):
        Stated.read(text)


@needs_shared
def test_real_features_have_a_clock() -> None:
    queries = read_annotations(SHARED / "data/annotations/charades-sta/charades_sta_test.txt").queries
    store = open_store(SHARED / "data/charades-clip")
    for stated in (None, "1"):
        clock = read_clock(store, durations(queries), stated)
        assert clock is not None
        assert (clock.videos, clock.off, clock.rows) == (1334, (), None)
        assert 0.88 <= clock.least_s < clock.typical_s < clock.most_s < 1
    with pytest.raises(UserError, match="the rows of 1,334 of 1,334 videos do not stand for the 2 s"):
        read_clock(store, durations(queries), "2")

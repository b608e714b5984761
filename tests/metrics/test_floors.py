import dataclasses
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from emtm.data.annotations import read_annotations
from emtm.data.records import Dataset, FloatArray, Query, WindowsQuery, WordVectors
from emtm.errors import UserError
from emtm.metrics import floors as module
from emtm.metrics.blind import candidates, durations, normalised, query_only, video_only
from emtm.metrics.conventions import Conventions
from emtm.metrics.floors import (
    Floors,
    best_floor,
    best_segments,
    cached_floors,
    cached_sightless_floors,
    floors,
    sightless_floors,
)
from emtm.metrics.iou import Array, temporal_iou
from emtm.metrics.metric import HEADLINE
from emtm.metrics.truth import annotated_windows, best_iou, one_window_each
from tests.shared import SHARED, needs_shared

WORDS = WordVectors(("early", "late"), np.eye(2, dtype=np.float32))


class Features:
    """Clips of ones where `moment` of the video is, noise elsewhere."""

    dim = 8

    def __contains__(self, video_id: object) -> bool:
        return True

    def __getitem__(self, video_id: str) -> FloatArray:
        rng = np.random.default_rng(int(video_id))
        rows = rng.normal(size=(40, self.dim)).astype(np.float32)
        rows[: 16 if int(video_id) % 2 else 0] += 3
        return rows


def dataset(words: bool, size: int = 400) -> Dataset:
    """Moments [0, .4] of odd and [.5, .9] of even videos; sentences tell which where `words`."""
    rng = np.random.default_rng(0)

    def query(i: int) -> Query:
        early, duration = i % 2, float(rng.uniform(10, 40))
        start = 0.0 if early else 0.5
        sentence = ("early" if early else "late") if words else "nothing"
        return Query(f"q{i}", str(i), sentence, duration, start * duration, (start + 0.4) * duration)

    splits = {"train": tuple(map(query, range(size))), "test": tuple(map(query, range(size, size + 100)))}
    return Dataset("toy", True, splits, Features(), WORDS)


def recall(moments: Array, queries: Sequence[Query]) -> float:
    truth = np.array([(q.start_s, q.end_s) for q in queries])
    return float((temporal_iou(moments, truth) >= 0.5).mean())


def test_best_segments_by_hand() -> None:
    moments = np.array([[0, 0.5], [0, 0.5], [0.75, 1.0]])
    by_recall, by_miou = best_segments(moments)
    assert (temporal_iou(by_recall, moments) >= 0.5).tolist() == [True, True, False]
    assert by_miou.tolist() == [0, 0.5]


def test_candidates_cover_the_grid_once() -> None:
    segments = candidates(4)
    assert len(segments) == len(np.unique(segments, axis=0)) == 10
    assert (segments[:, 0] < segments[:, 1]).all()


def test_query_only_reads_the_sentence() -> None:
    told, untold = dataset(words=True), dataset(words=False)
    train, test = told.splits["train"], told.splits["test"]
    assert recall(query_only(train, test), test) == 1
    train, test = untold.splits["train"], untold.splits["test"]
    assert recall(query_only(train, test), test) < 0.7


def test_video_only_sees_the_video() -> None:
    data = dataset(words=False)
    train, test = data.splits["train"], data.splits["test"]
    found = video_only(train, test, data.features)
    assert recall(found, test) > 0.9
    np.testing.assert_array_equal(found, video_only(train, test, data.features))


def test_floors_of_a_toy() -> None:
    found = floors(dataset(words=True))
    assert list(found) == ["fixed_best", "fixed_best_miou", "drawn_from_train", "query_only", "video_only"]
    assert all(list(floor["r1"]) == ["0.3", "0.5", "0.7"] for floor in found.values())
    assert found["fixed_best"]["r1"]["0.5"] == 50
    assert found["drawn_from_train"]["r1"]["0.5"] == pytest.approx(50, abs=4)
    assert best_floor(found, HEADLINE) == 100


def test_missing_split_is_a_user_error() -> None:
    with pytest.raises(UserError, match="'val'"):
        floors(dataset(words=True), "val")


def windows_query(name: str, *windows: tuple[float, float], duration: float = 10.0) -> WindowsQuery:
    start, end = max(windows, key=lambda window: window[1] - window[0])
    return WindowsQuery(name, name, "early", duration, start, end, all_windows=windows)


def test_several_windows_count_the_best() -> None:
    queries = [windows_query("a", (0, 2), (5, 9)), Query("b", "b", "late", 10.0, 1.0, 3.0)]
    truth = annotated_windows(queries)
    assert truth.tolist() == [[[0, 2], [5, 9]], [[1, 3], [1, 3]]]
    answers = np.array([[[0, 2], [1, 2]], [[5, 7], [4, 5]]], float)
    np.testing.assert_allclose(best_iou(answers, truth), [[1, 0.5], [0.5, 0]])
    assert [(q.query_id, q.start_s, q.end_s) for q in one_window_each(queries)] == [
        ("a", 0, 2),
        ("a", 5, 9),
        ("b", 1, 3),
    ]


def test_floors_of_several_windows() -> None:
    """Each window is a training moment, and an answer that meets any of a query's windows is right."""
    train = [windows_query(f"t{i}", (0, 4), (6, 10)) for i in range(40)]
    test = [windows_query("a", (0, 4), (6, 10)), windows_query("b", (6, 10))]
    found = sightless_floors(train, test)
    assert found["drawn_from_train"]["r1"]["0.7"] == pytest.approx(75, abs=15)
    assert found["fixed_best"]["segment"][1] - found["fixed_best"]["segment"][0] < 0.81


def test_cache_is_read_back_and_follows_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path))
    calls: list[str] = []

    def sightless(*_: object, **__: object) -> Floors:
        calls.append("sightless")
        return {"fixed_best": {"r1": {"0.5": 1.0}, "miou": 2.0}}

    def video(*_: object) -> Floors:
        calls.append("video")
        return {"video_only": {"r1": {"0.5": 3.0}, "miou": 4.0}}

    monkeypatch.setattr(module, "sightless_floors", sightless)
    monkeypatch.setattr(module, "_video_floor", video)
    told, untold = dataset(words=True), dataset(words=False)
    first = cached_floors(told)
    assert list(first) == ["fixed_best", "video_only"]
    assert cached_floors(told) == first
    assert calls == ["sightless", "video"]
    assert cached_sightless_floors(told.splits["train"], told.splits["test"]) == {"fixed_best": first["fixed_best"]}
    assert len(calls) == 2
    cached_floors(untold)
    assert len(calls) == 4
    cached_floors(untold, conventions=Conventions(missing="miss"))
    assert len(calls) == 4
    cached_floors(untold, conventions=Conventions(ties="strict"))
    assert [calls.pop(), calls.pop()] == ["video", "sightless"]
    other = Features()
    other.__class__ = type("Other", (Features,), {"__getitem__": lambda self, video: np.ones((3, 8), np.float32)})
    cached_floors(dataclasses.replace(told, features=other))
    assert calls[4:] == ["video"]
    for kept in (tmp_path / "floors").iterdir():
        kept.write_text("{")
    cached_floors(told)
    assert len(calls) == 7
    assert not [p for p in (tmp_path / "floors").iterdir() if p.suffix != ".json"]


REAL = SHARED / "data/annotations"
FILES = {
    "charades": ("charades-sta/charades_sta_train.txt", "charades-sta/charades_sta_test.txt"),
    "val_1": ("activitynet-captions/train.json", "activitynet-captions/val_1.json"),
    "val_2": ("activitynet-captions/train.json", "activitynet-captions/val_2.json"),
    "tacos": ("tacos/train.json", "tacos/test.json"),
}


@cache
def real(path: str) -> tuple[Query, ...]:
    return read_annotations(REAL / path).queries


def figures(moments: Array, queries: Sequence[Query]) -> list[float]:
    found = module._figures(moments, annotated_windows(queries))
    return [*found["r1"].values(), found["miou"]]


@needs_shared
@pytest.mark.parametrize(
    ("name", "segment", "measured"),
    [
        ("charades", (1, 22), (43.4, 30.4, 17.0, 29.1)),
        ("val_1", (17, 57), (39.8, 26.8, 10.1, 28.0)),
        ("val_2", (18, 57), (45.9, 29.0, 7.4, 29.2)),
        ("tacos", (41, 59), (7.8, 3.1, 0.9, 6.4)),
    ],
)
def test_fixed_segments_score_as_measured_elsewhere(
    name: str, segment: tuple[float, float], measured: Sequence[float]
) -> None:
    """Segments in 64ths that others chose on samples of train, and what they measured for them."""
    test = real(FILES[name][1])
    assert figures(np.array(segment) / 64 * durations(test), test) == pytest.approx(measured, abs=0.1)


@needs_shared
@pytest.mark.parametrize(
    ("train", "by_recall", "by_miou"),
    [
        ("charades-sta/charades_sta_train.txt", (0, 20), (0, 30)),
        ("tacos/train.json", (41, 59), (6, 57)),
    ],
)
def test_segments_chosen_on_all_of_train(
    train: str, by_recall: tuple[float, float], by_miou: tuple[float, float]
) -> None:
    found = best_segments(normalised(real(train)))
    assert [tuple(segment * 64) for segment in found] == [by_recall, by_miou]


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize(("name", "measured"), [("charades", 37.7), ("val_1", 39.4), ("val_2", 44.0), ("tacos", 7.5)])
def test_query_only_is_as_good_as_measured_elsewhere(name: str, measured: float) -> None:
    train, test = (real(path) for path in FILES[name])
    assert figures(query_only(train, test), test)[1] == pytest.approx(measured, abs=2)

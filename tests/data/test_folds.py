"""Folds of a folder of Charades' layout, most of whose videos have no features."""

import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from emtm.data.datasets import open_dataset, open_queries, pin_fold
from emtm.data.features import open_store
from emtm.data.folds import Fold, Pool, cut, pool_of, read_fold
from emtm.data.prepare import prepare
from emtm.data.real import open_pool
from emtm.data.records import Dataset, Query
from emtm.errors import UserError
from tests.charades import WITH, WITHOUT, make_charades
from tests.own import make_folder
from tests.shared import SHARED, needs_shared

NAME = "charades-sta"
FOLDS = 3


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_charades(tmp_path_factory.mktemp("folds") / "charades")


def fold_of(root: Path, number: int, of: int = FOLDS) -> Dataset:
    return open_dataset(NAME, root, fold=pin_fold(number, of, NAME, root, None, None))


def videos(dataset: Dataset, split: str) -> set[str]:
    return {query.video_id for query in dataset.splits[split]}


def pool(count: int) -> Pool:
    ids = [(f"v{i}", f"v{i}/{j}") for i in range(count) for j in range(1 + i % 3)]
    queries = tuple(Query(query, video, "a door", 9.0, 1.0, 2.0) for video, query in ids)
    return Pool(queries, len(queries), count)


def test_every_query_that_has_features_is_tested_once(root: Path) -> None:
    folds = [fold_of(root, number) for number in range(1, FOLDS + 1)]
    asked = open_queries(NAME, root).splits["test"]
    assert Counter(q for fold in folds for q in fold.splits["test"]) == Counter(asked)
    for fold in folds:
        assert sorted(q.query_id for q in fold.all_queries) == sorted(q.query_id for q in asked)
        train, val, test = (videos(fold, split) for split in ("train", "val", "test"))
        assert train and val and test
        assert not (train & val or train & test or val & test)
        assert len(test) == WITH // FOLDS


def test_a_fold_says_what_it_is_and_is_no_official_split(root: Path) -> None:
    fold = fold_of(root, 2)
    assert fold.name == "charades-sta+fold-2-of-3"
    assert fold.official == {}
    assert f"pool: 24 of 104 queries, of 12 of {WITH + WITHOUT} videos: those with features" in fold.notes
    (cut_so,) = [note for note in fold.notes if note.startswith("fold 2 of 3 by video")]
    assert "test 8 queries of 4 videos" in cut_so
    assert not any("held out of train" in note for note in fold.notes)
    assert fold.word_vectors.learned


def test_sizes_differ_by_one_video_at_most_whatever_the_order_of_files() -> None:
    whole = pool(23)
    backwards = dataclasses.replace(whole, queries=whole.queries[::-1])
    sizes = []
    for number in range(1, 6):
        fold = Fold(number, 5, whole.sha256)
        parts, others = cut(whole, fold), cut(backwards, fold)
        assert {s: set(q) for s, q in parts.items()} == {s: set(q) for s, q in others.items()}
        sizes.append(len({q.video_id for q in parts["test"]}))
    assert sorted(sizes) == [4, 4, 5, 5, 5]


def test_the_videos_that_choose_the_epoch_are_not_the_same_in_all_folds() -> None:
    whole = pool(60)
    held = [frozenset(q.video_id for q in cut(whole, Fold(n, 5, ""))["val"]) for n in range(1, 6)]
    assert len(set(held)) == 5
    assert len(frozenset().union(*held)) > max(map(len, held))


def test_two_annotations_of_a_video_stay_in_one_fold_under_ids_of_their_own() -> None:
    first, second = (Query("v1/0", "v1", sentence, 9.0, 1.0, 2.0) for sentence in ("a door", "a cat"))
    found = pool_of({"val": [first], "test": [second], "test-iid": [second]}, {"v1": None})  # type: ignore[arg-type]
    assert [q.query_id for q in found.queries] == ["v1/0", "test/v1/0"]
    assert found.all_queries == 2


def test_features_that_come_or_go_make_another_pool(tmp_path: Path) -> None:
    before = pin_fold(1, FOLDS, NAME, make_charades(tmp_path / "before"), None, None)
    after = make_charades(tmp_path / "after", having=WITH + 3)
    assert pin_fold(1, FOLDS, NAME, after, None, None).pool_sha256 != before.pool_sha256
    with pytest.raises(UserError, match=r"another pool now than fold 1 of 3 was made of \(30 queries of 15 videos"):
        open_dataset(NAME, after, fold=before)
    with pytest.raises(UserError, match="too few for 20 folds"):
        pin_fold(1, 20, NAME, after, None, None)


@pytest.mark.parametrize("text", ["5", "0/5", "6/5", "1/1", "1/2000", "a/b", "1/5/2", ""])
def test_what_is_no_fold_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="fold"):
        read_fold(text)


def test_own_data_are_cut_and_embedded_ones_are_not(tmp_path: Path) -> None:
    own = make_folder(tmp_path / "kitchen", "npz")
    fold = pin_fold(1, 4, "custom", own, None, None)
    dataset = open_dataset("custom", own, title="kitchen", fold=fold)
    assert dataset.name == "kitchen+fold-1-of-4"
    assert len(videos(dataset, "test")) == 5
    for name in ("smoke", "synth-anet"):
        with pytest.raises(UserError, match="splits of its own"):
            pin_fold(1, 4, name, None, None, None)


def test_prepare_says_what_folds_can_use(root: Path) -> None:
    found = prepare(NAME, root)
    (line,) = [line for line in found.found if "--folds 5" in line]
    assert "24 of 104 queries, of 12 videos" in line
    assert "as many and as wide" not in line
    (lacking,) = [line for line in found.missing if line.startswith("features of 40 of 52")]
    assert "https://github.com/some-1-else/video-moment-retrieval at commit 488fdf2" in lacking
    assert "no licence" in lacking


@needs_shared
def test_real_clip_features_of_charades(tmp_path: Path) -> None:
    """Read and checked, not trained on."""
    (tmp_path / "features").mkdir()
    for file in (SHARED / "data/annotations/charades-sta").iterdir():
        (tmp_path / file.name).symlink_to(file)
    (clip,) = (SHARED / "data/charades-clip").glob("*.h5")
    (tmp_path / "features" / clip.name).symlink_to(clip)
    found = open_pool(NAME, tmp_path, None)
    assert found.note == "pool: 3,720 of 16,128 queries, of 1,334 of 6,672 videos: those with features"
    parts = cut(found, Fold(1, 5, found.sha256))
    sizes = {split: len({query.video_id for query in queries}) for split, queries in parts.items()}
    assert sizes == {"train": 960, "val": 107, "test": 267}
    assert open_store(tmp_path / "features").dim == 512

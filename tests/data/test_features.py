import shutil
from pathlib import Path
from typing import NoReturn

import h5py
import numpy as np
import pytest

from emtm.data.features import (
    DirectoryStore,
    Hdf5Store,
    SideBySideStore,
    check_store,
    missing,
    num_rows,
    open_store,
    stores,
)
from emtm.data.records import FloatArray
from emtm.errors import UserError
from tests.shared import SHARED, needs_shared


def rows(count: int, width: int = 3) -> FloatArray:
    return np.random.default_rng(count).standard_normal((count, width)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "a.npy", rows(4))
    np.savez(tmp_path / "b.npz", other=np.ones(1), features=rows(5).astype(np.float16))
    np.savez(tmp_path / "c.npz", rows(6))
    return tmp_path


def test_directory(folder: Path) -> None:
    store = open_store(folder)
    assert isinstance(store, DirectoryStore)
    assert store.dim == 3
    np.testing.assert_array_equal(store["a"], rows(4))
    np.testing.assert_array_equal(store["b"], rows(5).astype(np.float16).astype(np.float32))
    assert store["b"].dtype == np.float32
    assert store["c"].shape == (6, 3)
    assert "a" in store
    assert "d" not in store
    with pytest.raises(UserError, match="no features of video 'd'"):
        store["d"]


def test_hdf5_datasets_and_groups(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "f.hdf5", "w") as file:
        file["a"] = rows(4).astype(np.float16)
        file["b/c3d_features"] = rows(5)
        file["c/one"] = rows(5)
        file["c/two"] = rows(5)
    for path in (tmp_path, tmp_path / "f.hdf5"):
        store = open_store(path)
        assert isinstance(store, Hdf5Store)
        assert store.dim == 3
        assert store["a"].dtype == np.float32
        np.testing.assert_array_equal(store["b"], rows(5))
        assert "x" not in store
        with pytest.raises(UserError, match="2 datasets"):
            store["c"]
        with pytest.raises(UserError, match="no features of video 'x'"):
            store["x"]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[1, 2, 3], [1, np.nan, 3]], np.float32), "'bad' hold NaN or infinity in row 1"),
        (np.array([[1, 2, 3], [1, 2, 3], [np.inf, 2, 3]], np.float64), "'bad' hold NaN or infinity in row 2"),
        (np.ones((2, 4), np.float32), "'bad' are 4 wide, the others 3"),
        (np.ones((2, 2, 3), np.float32), "shape"),
        (np.ones((0, 3), np.float32), "shape"),
        (np.ones((2, 3), np.int64), "not floating point"),
        (np.array([{"code": 1}], dtype=object), "pickles are refused"),
    ],
)
def test_bad_features_are_refused(folder: Path, array: FloatArray, message: str) -> None:
    np.save(folder / "bad.npy", array, allow_pickle=True)
    with pytest.raises(UserError, match=message):
        open_store(folder)["bad"]


def test_npz_without_a_clear_array(folder: Path) -> None:
    np.savez(folder / "bad.npz", x=rows(2), y=rows(2))
    with pytest.raises(UserError, match="none is called 'features'"):
        open_store(folder)["bad"]


@pytest.mark.parametrize("name", ["bad.npy", "bad.npz"])
def test_damaged_file(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(UserError, match="not a readable NumPy array"):
        open_store(folder)["bad"]


@pytest.mark.parametrize("name", ["a.pkl", "a.pt", "a.txt", "a.hdf5", None])
def test_what_is_not_a_store(tmp_path: Path, name: str | None) -> None:
    if name:
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(UserError):
            open_store(tmp_path / name)
    with pytest.raises(UserError):
        open_store(tmp_path)
    with pytest.raises(UserError, match="no features at"):
        open_store(tmp_path / "nowhere")


def test_missing_videos_are_named(folder: Path) -> None:
    store = open_store(folder)
    assert missing(store, ["z", "a", "y", "z"]) == ["z", "y"]
    check_store(store, ["a", "b"], 3)
    with pytest.raises(UserError, match=r"features of 4 of 5 videos are missing: v, w, x, y$"):
        check_store(store, ["a", "v", "w", "x", "y"], 3)
    with pytest.raises(UserError, match=r"features of 30 of 30 videos are missing: 0, .*, 19, \.\.\.$"):
        check_store(store, map(str, range(30)), 3)
    with pytest.raises(UserError, match="3 wide, not 1024"):
        check_store(store, ["a"], 1024)


def test_widths_are_checked_before_a_video_is_read(folder: Path) -> None:
    np.save(folder / "odd.npy", rows(4, 5))
    np.savez(folder / "worse.npz", features=np.ones((4, 3), np.int64))
    with pytest.raises(UserError, match="features of 1 of 2 videos are not 3 wide but, the first, 5: odd"):
        check_store(open_store(folder), ["a", "odd"], 3)
    with pytest.raises(UserError, match="'worse' are int64, not floating point"):
        check_store(open_store(folder), ["a", "worse"], 3)


def test_shapes_come_from_headers(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object) -> NoReturn:
        raise AssertionError(f"{path} was read")

    path = tmp_path_factory.mktemp("hdf5") / "f.h5"
    with h5py.File(path, "w") as file:
        file["a"] = rows(4)
        file["b/c3d_features"] = rows(7)
    store = open_store(folder)
    monkeypatch.setattr(stores, "load_array", refuse)
    monkeypatch.setattr(Hdf5Store, "__getitem__", lambda self, video: refuse(video))
    assert [store.shape(video) for video in "abc"] == [(4, 3), (5, 3), (6, 3)]
    assert num_rows(store, "b") == 5
    assert num_rows(open_store(path), "b") == 7


@pytest.mark.parametrize("layout", ["npy", "hdf5"])
def test_videos_are_found_by_any_spelling_of_their_id(tmp_path: Path, layout: str) -> None:
    """2D-TAN's HDF5 files name TACoS videos with .avi; ActivityNet's ids come with and without v_."""
    names = ("s1-d2.avi", "v_abc", "def", "both", "v_both")
    for i, name in enumerate(names):
        if layout == "npy":
            np.save(tmp_path / f"{name}.npy", rows(4 + i))
        else:
            with h5py.File(tmp_path / "f.hdf5", "a") as file:
                file[name] = rows(4 + i)
    store = open_store(tmp_path)
    for asked, stored in {"s1-d2": 4, "s1-d2.avi": 4, "abc": 5, "v_abc": 5, "v_def": 6, "both": 7, "v_both": 8}.items():
        assert asked in store
        assert store.shape(asked) == (stored, 3)
        assert len(store[asked]) == stored
    assert "s1" not in store
    assert missing(store, ["abc", "ghi"]) == ["ghi"]


def test_hidden_files_are_no_features(folder: Path) -> None:
    (folder / "._a.npy").write_bytes(b"left by a Mac")
    assert open_store(folder).dim == 3


def test_npy_files_are_mapped(folder: Path) -> None:
    assert isinstance(open_store(folder)["a"], np.memmap)


def test_stores_side_by_side(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("clip")
    np.save(other / "a.npy", rows(6, 2))
    store = open_store(f"{folder}, {other}")
    assert isinstance(store, SideBySideStore)
    assert (store.dim, store.widths, store.shape("a")) == (5, (3, 2), (4, 5))
    np.testing.assert_array_equal(store["a"], np.concatenate([rows(4), rows(6, 2)[:4]], 1))
    assert "a" in store
    assert "b" not in store
    with pytest.raises(UserError, match="features of 1 of 2 videos are missing: b"):
        check_store(store, ["a", "b"], 5)
    with pytest.raises(UserError, match="there are no features at nowhere"):
        open_store(f"{folder},nowhere")


@needs_shared
def test_real_i3d_features(tmp_path: Path) -> None:
    path = SHARED / "data/real-sample/v_GGSY1Qvo990.i3d_rgb_1s.npy"
    shutil.copy(path, tmp_path / "v_GGSY1Qvo990.npy")
    np.testing.assert_array_equal(open_store(tmp_path)["v_GGSY1Qvo990"], np.load(path))

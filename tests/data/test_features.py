import itertools
import shutil

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emtm.data.features import DirectoryStore, Hdf5Store, check_store, missing, open_store, pool_clips
from emtm.errors import UserError
from tests.shared import SHARED, needs_shared


def rows(count: int, width: int = 3) -> np.ndarray:
    return np.random.default_rng(count).standard_normal((count, width)).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "a.npy", rows(4))
    np.savez(tmp_path / "b.npz", other=np.ones(1), features=rows(5).astype(np.float16))
    np.savez(tmp_path / "c.npz", rows(6))
    return tmp_path


def test_directory(folder) -> None:
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


def test_hdf5_datasets_and_groups(tmp_path) -> None:
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
        (np.ones((2, 1, 3), np.float32), "shape"),
        (np.ones((0, 3), np.float32), "shape"),
        (np.ones((2, 3), np.int64), "not floating point"),
        (np.array([{"code": 1}], dtype=object), "pickles are refused"),
    ],
)
def test_bad_features_are_refused(folder, array: np.ndarray, message: str) -> None:
    np.save(folder / "bad.npy", array, allow_pickle=True)
    with pytest.raises(UserError, match=message):
        open_store(folder)["bad"]


def test_npz_without_a_clear_array(folder) -> None:
    np.savez(folder / "bad.npz", x=rows(2), y=rows(2))
    with pytest.raises(UserError, match="none is called 'features'"):
        open_store(folder)["bad"]


@pytest.mark.parametrize("name", ["bad.npy", "bad.npz"])
def test_damaged_file(folder, name: str) -> None:
    (folder / name).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(UserError, match="not a readable NumPy array"):
        open_store(folder)["bad"]


@pytest.mark.parametrize("name", ["a.pkl", "a.pt", "a.txt", "a.hdf5", None])
def test_what_is_not_a_store(tmp_path, name: str | None) -> None:
    if name:
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(UserError):
            open_store(tmp_path / name)
    with pytest.raises(UserError):
        open_store(tmp_path)
    with pytest.raises(UserError, match="no features at"):
        open_store(tmp_path / "nowhere")


def test_missing_videos_are_named(folder) -> None:
    store = open_store(folder)
    assert missing(store, ["z", "a", "y", "z"]) == ["z", "y"]
    check_store(store, ["a", "b"], 3)
    with pytest.raises(UserError, match=r"features of 4 of 5 videos are missing: v, w, x, \.\.\."):
        check_store(store, ["a", "v", "w", "x", "y"], 3)
    with pytest.raises(UserError, match="3 wide, not 1024"):
        check_store(store, ["a"], 1024)


def published_pooling(features: np.ndarray, most: int) -> np.ndarray:
    """The rule in words: one clip after the other."""
    count = len(features)
    if count <= most:
        return features
    bounds = [min(int(np.round(k / most * count)), count - 1) for k in range(most + 1)]
    spans = itertools.pairwise(bounds)
    return np.stack([features[i:j].mean(0) if i < j else features[i] for i, j in spans])


@given(st.integers(1, 300), st.integers(1, 130))
def test_pooling_follows_the_rule(count: int, most: int) -> None:
    features = rows(count, 2)
    np.testing.assert_allclose(pool_clips(features, most), published_pooling(features, most), atol=1e-6)


def test_pooling_keeps_what_is_short_and_drops_the_last_row() -> None:
    features = rows(64)
    assert pool_clips(features, 64) is features
    ramp = np.arange(8, dtype=np.float32)[:, None]
    assert pool_clips(ramp, 2).ravel().tolist() == [1.5, 5.0]


@needs_shared
def test_pooling_of_the_published_code() -> None:
    emtm = np.load(SHARED / "fixtures/emtm_data_A.npz")
    for j in range(5):
        pooled = pool_clips(emtm[f"samp/in_{j}"], int(emtm["meta/max_vlen"]))
        assert pooled.dtype == np.float32
        np.testing.assert_allclose(pooled, emtm[f"samp/out_{j}"], atol=1e-6)
    vslnet = np.load(SHARED / "fixtures/labels_vslnet_A.npz")
    for most in (16, 40, 57):
        pooled = pool_clips(vslnet["sample_in"], most)
        np.testing.assert_allclose(pooled, vslnet[f"sample_out_{most}"], atol=1e-6)


@needs_shared
def test_real_i3d_features(tmp_path) -> None:
    path = SHARED / "data/real-sample/v_GGSY1Qvo990.i3d_rgb_1s.npy"
    shutil.copy(path, tmp_path / "v_GGSY1Qvo990.npy")
    np.testing.assert_array_equal(open_store(tmp_path)["v_GGSY1Qvo990"], np.load(path))

"""Odd feature files."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from emtm.data.features import check_store, open_store
from tests.data.odd_files.annotations import LFS
from tests.data.oddities import Oddity

Array = npt.NDArray[Any]
WIDTH = 8


def rows(count: int = 5, width: int = WIDTH) -> Array:
    """Feature rows, other ones for every number of rows."""
    return np.random.default_rng(count).standard_normal((count, width)).astype(np.float32)


def save(folder: Path, name: str, array: Array | None = None, **arrays: Array) -> None:
    """Puts an .npy file, or an .npz of several arrays."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if array is None:
        np.savez(path, **arrays)
    else:
        np.save(path, array)


def both(first: Callable[[Path], object], second: Callable[[Path], object]) -> Callable[[Path], None]:
    """Puts two things."""

    def put(folder: Path) -> None:
        first(folder)
        second(folder)

    return put


def array(content: Array, name: str = "v1.npy") -> Callable[[Path], None]:
    """Puts one array."""
    return lambda folder: save(folder, name, content)


def archive(name: str = "v1.npz", **arrays: Array) -> Callable[[Path], None]:
    """Puts several arrays in one file."""
    return lambda folder: save(folder, name, None, **arrays)


def raw(content: bytes, name: str = "v1.npy") -> Callable[[Path], None]:
    """Puts bytes."""

    def put(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return put


def hdf5(name: str = "f.h5", **datasets: Array) -> Callable[[Path], None]:
    """Puts an HDF5 file; `train__v1` is `v1` in the group `train`."""

    def put(folder: Path) -> None:
        with h5py.File(folder / name, "w") as file:
            for path, content in datasets.items():
                file[path.replace("__", "/")] = content

    return put


def of(video: str = "v1", expected: Array | None = None) -> Callable[[Path], str]:
    """Reads a video, and says how many rows there were."""

    def read(folder: Path) -> str:
        store = open_store(folder)
        check_store(store, [video], WIDTH)
        found = store[video]
        np.testing.assert_array_equal(found, rows() if expected is None else expected)
        assert store.shape(video) == found.shape
        return f"video '{video}': {found.shape[0]} rows, {found.shape[1]} wide"

    return read


V1 = "video 'v1': 5 rows, 8 wide"


def a(what: str, make: Callable[[Path], None], says: str = V1, read: Callable[[Path], str] | None = None) -> Oddity:
    """Accepted."""
    return Oddity("Features", what, says, make, True, read or of())


def r(what: str, says: str, make: Callable[[Path], None], read: Callable[[Path], str] | None = None) -> Oddity:
    """Refused."""
    return Oddity("Features", what, says, make, False, read or of())


def cut(folder: Path) -> None:
    """A file that was not copied whole."""
    save(folder, "v1.npy", rows(100))
    path = folder / "v1.npy"
    path.write_bytes(path.read_bytes()[:1000])


def nan() -> Array:
    """Rows with a NaN in row 3."""
    found = rows()
    found[3, 2] = np.nan
    return found


def overflowing() -> Array:
    """Rows of float64 that float32 cannot hold."""
    return np.full((5, WIDTH), 1e300)


def broken_link(folder: Path) -> None:
    """A link to a disk that is not mounted."""
    save(folder, "v2.npy", rows(4))
    (folder / "v1.npy").symlink_to("/mnt/old/v1.npy")


NFD = unicodedata.normalize("NFD", "piñata")
TIMES = np.arange(5, dtype=np.float32)
CLIP = {"image_embeddings": rows(), "timestamps": TIMES, "fps": np.array(1.0)}

ODDITIES = (
    a("several arrays, one of which can be rows (a CLIP cache)", archive(**CLIP)),
    a("times as a column beside the rows", archive(embeddings=rows(), times=TIMES[:, None])),
    a("`[1, T, D]`", array(rows()[None])),
    a("`[T, 1, D]`, or `[T, D, 1, 1]` of a pooled map", archive(features=rows()[:, :, None, None])),
    a("half precision", array(rows().astype(np.float16)), read=of("v1", rows().astype(np.float16).astype(np.float32))),
    a("numbers of the other byte order", array(rows().astype(">f4"))),
    a("what made the features behind the id", archive("v1__ViT-B_32__fps_1.npz", **CLIP)),
    a(
        "the name of the dataset before the id",
        both(array(rows(), "charades_v1.npy"), array(rows(4), "charades_v2.npy")),
    ),
    a("the suffix of the video's file in the name", array(rows(), "v1.mp4.npy")),
    a("ActivityNet's `v_` in the id and not in the file", array(rows(), "1.npy"), "video 'v_1': 5", of("v_1")),
    a("an accent typed another way (NFC, NFD)", array(rows(), f"{NFD}.npy"), "video 'piñata': 5", of("piñata")),
    a("statistics first in the folder", both(array(rows(1, 3)[0], "_mean.npy"), array(rows()))),
    a(
        "statistics of another width",
        both(array(rows(2, 3), "a_stats.npy"), both(array(rows()), array(rows(4), "v2.npy"))),
    ),
    a("statistics beside an HDF5 file", both(array(rows(1, 3)[0], "mean.npy"), hdf5(v1=rows()))),
    a("hidden files of a Mac", both(raw(b"left by a Mac", "._v1.npy"), array(rows()))),
    a("a folder for each split", both(array(rows(), "test/v1.npy"), array(rows(4), "train/v2.npy"))),
    a("a folder for each video", both(archive("v1/clip.npz", **CLIP), archive("v2/clip.npz", **CLIP))),
    a("an HDF5 file for each split", both(hdf5("train.h5", v2=rows(4)), hdf5("test.h5", v1=rows()))),
    a(
        "an .npz file for each split, by id",
        both(archive("train.npz", v2=rows(4), v3=rows(6)), archive("test.npz", v1=rows())),
    ),
    a("a video in two files, the same in both", both(hdf5("val_1.h5", v1=rows()), hdf5("val_2.h5", v1=rows()))),
    r(
        "a video in two files, not the same (RGB and flow)",
        "video 'v1' has other features in one file of the folder than in another: name one of them, or several with "
        "commas between them to put their columns side by side",
        both(hdf5("flow.h5", v1=rows() + 1), hdf5("rgb.h5", v1=rows())),
    ),
    r(
        "a video in two folders, not the same",
        "video 'v1' has two files that differ, flow/v1.npy and rgb/v1.npy: name the folder of one, or both with a "
        "comma between them to put their columns side by side",
        both(array(rows() + 1, "flow/v1.npy"), both(array(rows(), "rgb/v1.npy"), array(rows(4), "rgb/v2.npy"))),
    ),
    r(
        "two kinds of features of a video in one folder",
        "video 'v1' may be any of v1__ViT-B_32, v1__ViT-L_14: keep one kind of features in one place",
        both(archive("v1__ViT-B_32.npz", **CLIP), archive("v1__ViT-L_14.npz", **CLIP)),
    ),
    a("HDF5 with a group for each video", hdf5(v1__c3d_features=rows())),
    a("the same with other arrays in the group", hdf5(v1__features=rows(), v1__timestamps=TIMES, v1__boxes=rows(5, 4))),
    a("HDF5 with videos inside other groups", hdf5(i3d__train__v1=rows(), i3d__test__v2=rows(4))),
    a("HDF5 with groups inside a video's", hdf5(v1__clip__rgb=rows())),
    a("HDF5 with statistics first", hdf5(a_mean=rows(1)[0], v1=rows(), v2=rows(4))),
    r(
        "HDF5 with two datasets that may be it",
        "f.h5 has 2 datasets for video 'v1', not one",
        hdf5(v1__flow=rows(), v1__rgb=rows(), v2=rows(4)),
    ),
    r(
        "an .npz file with two arrays that may be it",
        "v1.npz has 3 arrays, of which 2 may be features (image, text), and none is called 'features'",
        both(archive(image=rows(), text=rows(4), times=TIMES), array(rows(4), "v2.npy")),
    ),
    a("an empty file of a video that no annotation names", both(archive(features=rows()), raw(b"", "v0.npz"))),
    r("an empty file", "v1.npy is empty (0 bytes)", both(raw(b""), array(rows(4), "v2.npy"))),
    r(
        "a pointer of git-LFS",
        "v1.npy is a pointer of git-LFS, not the file itself: run `git lfs pull` where it was cloned",
        raw(LFS.encode()),
    ),
    r(
        "the same for HDF5",
        "f.h5 is a pointer of git-LFS, not the file itself: run `git lfs pull` where it was cloned",
        raw(LFS.encode(), "f.h5"),
    ),
    r(
        "a pointer of git-annex",
        "v1.npy is a pointer of git-annex, not the file itself: run `git annex get` where it was cloned",
        raw(b"/annex/objects/SHA256E-s9--0a.npy\n"),
    ),
    r(
        "a web page that a download gave",
        "f.h5 is a web page, not the file that it was to be: the download gave a notice instead",
        raw(b"<!DOCTYPE html><html>Quota exceeded</html>", "f.h5"),
    ),
    r("a link to nothing", "v1.npy is a link to /mnt/old/v1.npy, which is not there", broken_link),
    r(
        "HDF5 under another suffix",
        "v1.npy is an HDF5 file under another suffix: rename it to .hdf5",
        raw(b"\x89HDF\r\n\x1a\n"),
    ),
    r("a file that was cut off", "v1.npy is not a readable NumPy array (pickles are refused)", cut),
    r(
        "pickles",
        "the folder holds pickles, which can run code when read: convert them to .npy",
        raw(b"\x80\x04N.", "v1.pt"),
    ),
    r(
        "whole numbers",
        "features of video 'v1' are int64, not floating point (v1.npy)",
        array(np.ones((5, WIDTH), np.int64)),
    ),
    r(
        "a width of its own",
        "features of 1 of 1 videos are not 8 wide but, the first, 6: v1",
        both(array(rows(5, 6)), both(array(rows(4), "v2.npy"), array(rows(6), "v3.npy"))),
    ),
    r(
        "columns for rows",
        "features of video 'v1' are 5 wide, the others 8 (v1.npy); is it [width, rows]?",
        both(array(rows().T), both(array(rows(4), "v2.npy"), array(rows(6), "v3.npy"))),
        lambda folder: str(open_store(folder)["v1"].shape),
    ),
    r("no rows", "features of video 'v1' have shape (0, 8), not [rows, width] (v1.npy)", array(rows()[:0])),
    r(
        "a map for each row",
        "features of video 'v1' have shape (5, 7, 7, 8), not [rows, width] (v1.npy)",
        array(np.ones((5, 7, 7, 8))),
    ),
    r("NaN in a row", "features of video 'v1' hold NaN or infinity in row 3 (v1.npy)", array(nan())),
    r(
        "a number too large for float32",
        "features of video 'v1' hold NaN or infinity in row 0 (v1.npy)",
        array(overflowing()),
    ),
    r(
        "a video without features",
        "features of 1 of 1 videos are missing: v1",
        both(array(rows(4), "v2.npy"), array(rows(6), "v3.npy")),
    ),
)

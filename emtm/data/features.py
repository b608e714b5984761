"""Feature files on disk, read by video id, and the published pooling of long videos."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import h5py
import numpy as np

from emtm.data.records import FeatureStore, FloatArray
from emtm.errors import UserError

_ARRAY_SUFFIXES = (".npy", ".npz")
_HDF5_SUFFIXES = (".h5", ".hdf5")
_PICKLE_SUFFIXES = (".pkl", ".pickle", ".pt", ".pth")
_SHOWN = 3


class DirectoryStore:
    """A directory with one `<video id>.npy` or `.npz` a video.

    An `.npz` holds the rows under `features`, or as its only array. Pickled content is refused.
    """

    def __init__(self, directory: Path) -> None:
        files = sorted(p for p in directory.iterdir() if p.suffix in _ARRAY_SUFFIXES)
        if not files:
            raise UserError(f"no .npy or .npz file in {directory}")
        self._directory = directory
        self._files = {path.stem: path for path in files}
        self.dim = _rows(_load_array(files[0]), files[0].stem).shape[1]

    def __contains__(self, video_id: object) -> bool:
        return video_id in self._files

    def __getitem__(self, video_id: str) -> FloatArray:
        if video_id not in self._files:
            raise UserError(f"no features of video '{video_id}' in {self._directory}")
        return _checked(_load_array(self._files[video_id]), video_id, self.dim)


class Hdf5Store:
    """An HDF5 file with, for each video id, a dataset or a group that holds one dataset."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = h5py.File(path, "r")
        except OSError:
            raise UserError(f"{path} is not a readable HDF5 file") from None
        self._path = path
        first = next(iter(self._file), None)
        if first is None:
            raise UserError(f"{path} holds no videos")
        self.dim = int(_rows(self._dataset(first), first).shape[1])

    def __contains__(self, video_id: object) -> bool:
        return video_id in self._file

    def __getitem__(self, video_id: str) -> FloatArray:
        if video_id not in self._file:
            raise UserError(f"no features of video '{video_id}' in {self._path}")
        return _checked(self._dataset(video_id)[()], video_id, self.dim)

    def _dataset(self, video_id: str) -> Any:
        node = self._file[video_id]
        if isinstance(node, h5py.Group):
            inner = [child for child in node.values() if isinstance(child, h5py.Dataset)]
            if len(inner) != 1:
                raise UserError(f"{self._path} has {len(inner)} datasets for video '{video_id}', not one")
            return inner[0]
        return node


def open_store(path: Path) -> FeatureStore:
    """The store at `path`: an HDF5 file, a directory of arrays, or a directory with one HDF5 file.

    Raises:
        UserError: there is nothing at `path`, or nothing that can be read as features.
    """
    if not path.exists():
        raise UserError(f"there are no features at {path}")
    if path.is_file():
        return _open_file(path)
    suffixes = {p.suffix for p in path.iterdir()}
    if suffixes.intersection(_ARRAY_SUFFIXES):
        return DirectoryStore(path)
    containers = sorted(p for p in path.iterdir() if p.suffix in _HDF5_SUFFIXES)
    if len(containers) == 1:
        return Hdf5Store(containers[0])
    if containers:
        raise UserError(f"{path} holds {len(containers)} HDF5 files: name one of them")
    if suffixes.intersection(_PICKLE_SUFFIXES):
        raise UserError(f"{path} holds pickles, which can run code when read: convert them to .npy")
    raise UserError(f"{path} holds neither .npy, .npz nor .hdf5 files")


def read_video(path: Path, dim: int) -> FloatArray:
    """Feature rows `[n, dim]` of one video from an .npy or .npz file.

    Raises:
        UserError: there is no such file, or its content is no finite array of that width.
    """
    if not path.is_file():
        raise UserError(f"there is no feature file {path}")
    if path.suffix not in _ARRAY_SUFFIXES:
        raise UserError(f"{path} is neither .npy nor .npz")
    array = _rows(_load_array(path), path.stem)
    if array.shape[1] != dim:
        raise UserError(f"the features in {path} are {array.shape[1]} wide, the model takes {dim}")
    return _checked(array, path.stem, dim)


def missing(store: FeatureStore, video_ids: Iterable[str]) -> list[str]:
    """The distinct ids that the store has no features of, in the order given."""
    return [video_id for video_id in dict.fromkeys(video_ids) if video_id not in store]


def check_store(store: FeatureStore, video_ids: Iterable[str], dim: int) -> None:
    """Raise UserError unless the store has rows of width `dim` and every video."""
    if store.dim != dim:
        raise UserError(f"the features are {store.dim} wide, not {dim}")
    wanted = list(dict.fromkeys(video_ids))
    absent = missing(store, wanted)
    if absent:
        shown = ", ".join(absent[:_SHOWN]) + (", ..." if len(absent) > _SHOWN else "")
        raise UserError(f"features of {len(absent)} of {len(wanted)} videos are missing: {shown}")


def pool_clips(features: FloatArray, max_clips: int) -> FloatArray:
    """Mean-pool rows `[n, V]` to at most `max_clips` clips; a shorter video is returned as it is.

    Follows `visual_feature_sampling` of VSLNet, SeqPAN and EMTM: boundary k is `k / max_clips * n`,
    rounded half to even and clipped to the last row. The clipped last boundary is exclusive, so that
    the last row takes part only where its own range would be empty.
    """
    rows = len(features)
    if rows <= max_clips:
        return features
    # The division comes first as in the published code: some products round to a different row otherwise.
    ideal = np.arange(max_clips + 1) / max_clips * rows
    bounds = np.minimum(np.round(ideal).astype(np.int64), rows - 1)
    # reduceat gives the single row at the boundary where a range is empty, which is the published rule.
    sums = np.add.reduceat(features, bounds, axis=0)[:max_clips]
    sizes = np.maximum(np.diff(bounds), 1)
    return (sums / sizes[:, None]).astype(np.float32)


def _open_file(path: Path) -> FeatureStore:
    if path.suffix in _PICKLE_SUFFIXES:
        raise UserError(f"{path} is a pickle, which can run code when read: convert it to .npy or HDF5")
    if path.suffix not in _HDF5_SUFFIXES:
        raise UserError(f"{path} is neither a directory nor an HDF5 file (.h5, .hdf5)")
    return Hdf5Store(path)


def _load_array(path: Path) -> Any:
    try:
        content = np.load(path, allow_pickle=False)
        if path.suffix == ".npy":
            return content
        with content:
            name = "features" if "features" in content.files else content.files[0]
            if name != "features" and len(content.files) != 1:
                raise UserError(f"{path} has {len(content.files)} arrays and none is called 'features'")
            return content[name]
    except (ValueError, OSError, EOFError, BadZipFile, IndexError):
        raise UserError(f"{path} is not a readable NumPy array (pickles are refused)") from None


def _rows(array: Any, video_id: str) -> Any:
    if array.ndim != 2 or 0 in array.shape:
        raise UserError(f"features of video '{video_id}' have shape {tuple(array.shape)}, not [rows, width]")
    if array.dtype.kind != "f":
        raise UserError(f"features of video '{video_id}' are {array.dtype}, not floating point")
    return array


def _checked(array: Any, video_id: str, dim: int) -> FloatArray:
    rows: FloatArray = _rows(array, video_id).astype(np.float32, copy=False)
    if rows.shape[1] != dim:
        raise UserError(f"features of video '{video_id}' are {rows.shape[1]} wide, the others {dim}")
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        row = int(finite.argmin())
        raise UserError(f"features of video '{video_id}' hold NaN or infinity in row {row}")
    return rows

"""Feature stores on disk, read by video id: a directory of arrays, an HDF5 file, several side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import h5py
import numpy as np

from emtm.data.features.arrays import ARRAY_SUFFIXES, array_header, check_header, checked, load_array
from emtm.data.records import FeatureStore, FloatArray, video_key
from emtm.errors import UserError
from emtm.memory import check_memory


@runtime_checkable
class DiskStore(FeatureStore, Protocol):
    """A store that knows the shape of a video's features without reading them."""

    def shape(self, video_id: str) -> tuple[int, int]:
        """Rows and width of a video's features."""
        ...


class _Names:
    """The names that a store knows videos by: a video is found by its id, or by another spelling of it.

    2D-TAN's HDF5 files name TACoS videos with `.avi`, and features of ActivityNet come with and without `v_`.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._spellings = {video_key(name): name for name in sorted(self._names, reverse=True)}

    def find(self, video_id: object) -> str | None:
        """The store's name of a video, None where it has none."""
        if video_id in self._names:
            return str(video_id)
        return self._spellings.get(video_key(video_id)) if isinstance(video_id, str) else None


class DirectoryStore:
    """A directory with one `<video id>.npy` or `.npz` a video.

    An `.npz` holds the rows under `features`, or as its only array. Pickled content is refused.
    """

    def __init__(self, directory: Path) -> None:
        # Copying from a Mac leaves hidden "._<name>.npy" files that are no arrays.
        files = sorted(p for p in directory.iterdir() if p.suffix in ARRAY_SUFFIXES and not p.name.startswith("."))
        if not files:
            raise UserError(f"no .npy or .npz file in {directory}")
        self._directory = directory
        self._files = {path.stem: path for path in files}
        self._names = _Names(self._files)
        self.dim = self.shape(files[0].stem)[1]

    def __contains__(self, video_id: object) -> bool:
        return self._names.find(video_id) is not None

    def __getitem__(self, video_id: str) -> FloatArray:
        return checked(load_array(self._path(video_id)), video_id, self.dim)

    def shape(self, video_id: str) -> tuple[int, int]:
        """Rows and width of a video's features, from the file's header."""
        shape, dtype = array_header(self._path(video_id))
        check_header(shape, dtype, video_id)
        return shape[0], shape[1]

    def _path(self, video_id: str) -> Path:
        name = self._names.find(video_id)
        if name is None:
            raise UserError(f"no features of video '{video_id}' in {self._directory}")
        return self._files[name]


class Hdf5Store:
    """An HDF5 file with, for each video id, a dataset or a group that holds one dataset."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = h5py.File(path, "r")
        except OSError:
            raise UserError(f"{path} is not a readable HDF5 file") from None
        self._path = path
        try:
            names = list(self._file)
        except (OSError, RuntimeError, ValueError):
            raise UserError(f"{path} is damaged: its names cannot be read") from None
        if not names:
            raise UserError(f"{path} holds no videos")
        self._names = _Names(names)
        self.dim = self.shape(names[0])[1]

    def __contains__(self, video_id: object) -> bool:
        return self._names.find(video_id) is not None

    def __getitem__(self, video_id: str) -> FloatArray:
        dataset = self._checked(video_id)
        try:
            return checked(dataset[()], video_id, self.dim)
        except (OSError, RuntimeError, ValueError) as error:
            raise self._damaged(video_id) from error

    def shape(self, video_id: str) -> tuple[int, int]:
        """Rows and width of a video's features, without reading them."""
        dataset = self._checked(video_id)
        return int(dataset.shape[0]), int(dataset.shape[1])

    def _checked(self, video_id: str) -> Any:
        """Dataset of a video whose header says that it can be read."""
        dataset = self._dataset(video_id)
        check_header(dataset.shape, dataset.dtype, video_id)
        check_memory(dataset.dtype.itemsize * dataset.size, f"features of video '{video_id}' in {self._path}")
        return dataset

    def _dataset(self, video_id: str) -> Any:
        name = self._names.find(video_id)
        if name is None:
            raise UserError(f"no features of video '{video_id}' in {self._path}")
        try:
            node = self._file[name]
            if isinstance(node, h5py.Group):
                # A link may lead nowhere, or back to where it stands.
                inner = [child for child in map(node.get, node) if isinstance(child, h5py.Dataset)]
                if len(inner) != 1:
                    raise UserError(f"{self._path} has {len(inner)} datasets for video '{video_id}', not one")
                node = inner[0]
        except (OSError, KeyError, RuntimeError, ValueError) as error:
            raise self._damaged(video_id) from error
        if not isinstance(node, h5py.Dataset) or node.shape is None:
            raise UserError(f"{self._path} holds no array of video '{video_id}'")
        return node

    def _damaged(self, video_id: str) -> UserError:
        return UserError(f"the features of video '{video_id}' in {self._path} cannot be read")


class SideBySideStore:
    """Several stores whose columns are put side by side, each video cut to the shortest of its parts.

    So lighthouse joins its features (CLIP and SlowFast, say), whose numbers of rows differ by one or two.
    """

    def __init__(self, parts: Sequence[DiskStore]) -> None:
        self._parts = parts
        self.widths = tuple(part.dim for part in parts)
        self.dim = sum(self.widths)

    def __contains__(self, video_id: object) -> bool:
        return all(video_id in part for part in self._parts)

    def __getitem__(self, video_id: str) -> FloatArray:
        parts = [part[video_id] for part in self._parts]
        rows = min(map(len, parts))
        return np.concatenate([part[:rows] for part in parts], axis=1)

    def shape(self, video_id: str) -> tuple[int, int]:
        """Rows of the shortest part, and the width of all."""
        shapes = [part.shape(video_id) for part in self._parts]
        return min(rows for rows, _ in shapes), sum(width for _, width in shapes)

"""The right reader for what lies at a path."""

from __future__ import annotations

import contextlib
from pathlib import Path

from emtm.data.disguises import disguise
from emtm.data.features.archives import Hdf5Store, NpzStore
from emtm.data.features.arrays import (
    ARRAY_SUFFIXES,
    PICKLE_SUFFIXES,
    candidates,
    checked,
    load_array,
    member_headers,
    rows_shape,
)
from emtm.data.features.stores import (
    CountedStore,
    DirectoryStore,
    DiskStore,
    GatheredStore,
    SideBySideStore,
    files_below,
)
from emtm.data.records import FloatArray
from emtm.errors import UserError

_HDF5_SUFFIXES = (".h5", ".hdf5")
_SEPARATOR = ","
_MOST_ARCHIVES = 16


def split_paths(path: Path | str) -> list[Path]:
    """The paths of stores to be put side by side, which stand in one string with commas between them."""
    text = str(path)
    parts = [text] if Path(text).exists() else text.split(_SEPARATOR)
    return [Path(part.strip()) for part in parts if part.strip()]


def open_store(path: Path | str) -> DiskStore:
    """The store at `path`: a directory of arrays, an HDF5 or `.npz` file of many videos, or a directory of such files.

    Several paths with commas between them give one store that joins their columns.

    Raises:
        UserError: there is nothing at `path`, or nothing that can be read as features.
    """
    paths = split_paths(path)
    parts: list[DiskStore] = [_open_one(part) for part in paths]
    return parts[0] if len(parts) == 1 else SideBySideStore(parts, paths)


def read_video(path: Path, dim: int) -> FloatArray:
    """Feature rows `[n, dim]` of one video from an .npy or .npz file.

    Raises:
        UserError: there is no such file, or its content is no finite array of that width.
    """
    if not path.is_file():
        raise UserError(f"there is no feature file {path}")
    if path.suffix not in ARRAY_SUFFIXES:
        raise UserError(f"{path} is neither .npy nor .npz")
    array = load_array(path)
    size = rows_shape(array.shape)
    if size is not None and size[1] != dim:
        raise UserError(f"the features in {path} are {size[1]} wide, the model takes {dim}")
    return checked(array, path.stem, dim)


def store_files(path: Path | str) -> list[Path]:
    """The files of the stores at `path`, sorted; none where there is no store."""
    files: list[Path] = []
    for part in split_paths(path):
        files += files_below(part, (*ARRAY_SUFFIXES, *_HDF5_SUFFIXES)) if part.is_dir() else [part]
    return [path for path in files if path.is_file()]


def _open_one(path: Path) -> CountedStore:
    if not path.exists():
        found = disguise(path)
        raise UserError(f"{path} is {found}" if found else f"there are no features at {path}")
    if path.is_file():
        return _open_file(path)
    arrays, containers = files_below(path, ARRAY_SUFFIXES), files_below(path, _HDF5_SUFFIXES)
    parts: list[CountedStore] = [Hdf5Store(container) for container in containers]
    if arrays and _by_video(arrays):
        parts += [NpzStore(archive) for archive in arrays]
    elif arrays:
        parts += _directory(path, needed=not containers)
    if len(parts) == 1:
        return parts[0]
    if parts:
        return GatheredStore(parts, path)
    if files_below(path, PICKLE_SUFFIXES):
        raise UserError(f"{path} holds pickles, which can run code when read: convert them to .npy")
    raise UserError(f"{path} holds neither .npy, .npz nor .hdf5 files")


def _directory(path: Path, needed: bool) -> list[CountedStore]:
    """The arrays of a folder; nothing where they are no features, and there are features beside them."""
    try:
        return [DirectoryStore(path)]
    except UserError:
        if needed:
            raise
        return []


def _by_video(files: list[Path]) -> bool:
    """Whether a few `.npz` files hold the features of many videos each, by their ids: one for each split, say."""
    if len(files) > _MOST_ARCHIVES or any(path.suffix != ".npz" for path in files):
        return False
    arrays = []
    for path in files:
        with contextlib.suppress(UserError):  # one that is damaged is named when its video is asked for
            arrays.append(candidates(member_headers(path)))
    # Kinds of features have the same names in every file, videos have names of their own.
    kinds = len(arrays) > 1 and len(set(map(tuple, arrays))) == 1
    return not kinds and any("features" not in names and len(names) > 1 for names in arrays)


def _open_file(path: Path) -> CountedStore:
    if path.suffix in PICKLE_SUFFIXES:
        raise UserError(f"{path} is a pickle, which can run code when read: convert it to .npy or HDF5")
    if path.suffix == ".npz":
        return NpzStore(path)
    if path.suffix not in _HDF5_SUFFIXES:
        raise UserError(f"{path} is neither a directory nor an HDF5 file (.h5, .hdf5) nor an .npz file")
    return Hdf5Store(path)

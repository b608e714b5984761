"""The right reader for what lies at a path."""

from __future__ import annotations

from pathlib import Path

from emtm.data.features.arrays import ARRAY_SUFFIXES, PICKLE_SUFFIXES, checked, load_array
from emtm.data.features.stores import DirectoryStore, DiskStore, Hdf5Store, SideBySideStore
from emtm.data.records import FloatArray
from emtm.errors import UserError

_HDF5_SUFFIXES = (".h5", ".hdf5")
_SEPARATOR = ","


def split_paths(path: Path | str) -> list[Path]:
    """The paths of stores to be put side by side, which stand in one string with commas between them."""
    text = str(path)
    parts = [text] if Path(text).exists() else text.split(_SEPARATOR)
    return [Path(part.strip()) for part in parts if part.strip()]


def open_store(path: Path | str) -> DiskStore:
    """The store at `path`: an HDF5 file, a directory of arrays, or a directory with one HDF5 file.

    Several paths with commas between them give one store that joins their columns.

    Raises:
        UserError: there is nothing at `path`, or nothing that can be read as features.
    """
    parts = [_open_one(part) for part in split_paths(path)]
    return parts[0] if len(parts) == 1 else SideBySideStore(parts)


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
    if array.ndim == 2 and array.shape[1] != dim:
        raise UserError(f"the features in {path} are {array.shape[1]} wide, the model takes {dim}")
    return checked(array, path.stem, dim)


def _open_one(path: Path) -> DiskStore:
    if not path.exists():
        raise UserError(f"there are no features at {path}")
    if path.is_file():
        return _open_file(path)
    suffixes = {p.suffix for p in path.iterdir()}
    if suffixes.intersection(ARRAY_SUFFIXES):
        return DirectoryStore(path)
    containers = sorted(p for p in path.iterdir() if p.suffix in _HDF5_SUFFIXES)
    if len(containers) == 1:
        return Hdf5Store(containers[0])
    if containers:
        raise UserError(f"{path} holds {len(containers)} HDF5 files: name one of them")
    if suffixes.intersection(PICKLE_SUFFIXES):
        raise UserError(f"{path} holds pickles, which can run code when read: convert them to .npy")
    raise UserError(f"{path} holds neither .npy, .npz nor .hdf5 files")


def _open_file(path: Path) -> DiskStore:
    if path.suffix in PICKLE_SUFFIXES:
        raise UserError(f"{path} is a pickle, which can run code when read: convert it to .npy or HDF5")
    if path.suffix not in _HDF5_SUFFIXES:
        raise UserError(f"{path} is neither a directory nor an HDF5 file (.h5, .hdf5)")
    return Hdf5Store(path)

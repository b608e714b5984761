"""Feature arrays in files: read without unpickling anything, checked before they are used."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from emtm.data.records import FloatArray
from emtm.errors import UserError

ARRAY_SUFFIXES = (".npy", ".npz")
PICKLE_SUFFIXES = (".pkl", ".pickle", ".pt", ".pth")

_BROKEN = (ValueError, OSError, EOFError, BadZipFile, IndexError, KeyError)
_CHUNK_ROWS = 4096


def load_array(path: Path) -> Any:
    """Array of an `.npy` (mapped, so that only the rows used are read) or an `.npz` file.

    An `.npz` holds the rows under `features`, or as its only array.

    Raises:
        UserError: the file is damaged or pickled, or its array is not plain to see.
    """
    try:
        if path.suffix == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        with np.load(path, allow_pickle=False) as content:
            return content[_name(path, content.files)]
    except _BROKEN:
        raise UserError(f"{path} is not a readable NumPy array (pickles are refused)") from None


def array_header(path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of the array that `load_array` reads, without its content."""
    if path.suffix == ".npy":
        array = load_array(path)
        return array.shape, array.dtype
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            with archive.open(f"{_name(path, names)}.npy") as member:
                version = np.lib.format.read_magic(member)
                reader = np.lib.format.read_array_header_1_0
                if version != (1, 0):
                    reader = np.lib.format.read_array_header_2_0
                shape, _, dtype = reader(member)
                return shape, dtype
    except _BROKEN:
        raise UserError(f"{path} is not a readable NumPy array (pickles are refused)") from None


def check_header(shape: tuple[int, ...], dtype: npt.DTypeLike, video_id: str) -> None:
    """Raise UserError unless an array is `[rows, width]` of floating-point numbers, not empty."""
    if len(shape) != 2 or 0 in shape:
        raise UserError(f"features of video '{video_id}' have shape {tuple(shape)}, not [rows, width]")
    if np.dtype(dtype).kind != "f":
        raise UserError(f"features of video '{video_id}' are {dtype}, not floating point")


def checked(array: Any, video_id: str, dim: int) -> FloatArray:
    """Float32 rows `[n, dim]`; raises UserError for another width and for numbers that are not finite."""
    check_header(array.shape, array.dtype, video_id)
    rows: FloatArray = array.astype(np.float32, copy=False)
    if rows.shape[1] != dim:
        raise UserError(f"features of video '{video_id}' are {rows.shape[1]} wide, the others {dim}")
    for first in range(0, len(rows), _CHUNK_ROWS):
        finite = np.isfinite(rows[first : first + _CHUNK_ROWS]).all(axis=1)
        if not finite.all():
            row = first + int(finite.argmin())
            raise UserError(f"features of video '{video_id}' hold NaN or infinity in row {row}")
    return rows


def _name(path: Path, names: list[str]) -> str:
    name = "features" if "features" in names else names[0]
    if name != "features" and len(names) != 1:
        raise UserError(f"{path} has {len(names)} arrays and none is called 'features'")
    return name

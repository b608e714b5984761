"""Feature arrays in files: read without unpickling anything, checked before they are used."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from emtm.data.records import FloatArray
from emtm.errors import UserError
from emtm.memory import check_memory

ARRAY_SUFFIXES = (".npy", ".npz")
PICKLE_SUFFIXES = (".pkl", ".pickle", ".pt", ".pth")

BROKEN = (
    *(ValueError, OSError, EOFError, BadZipFile, zlib.error, IndexError, KeyError, OverflowError),
    *(RuntimeError, NotImplementedError),  # an encrypted member, a compression that is not there
    *(tokenize.TokenError, MemoryError),  # a header that is no Python, or claims more than there is
)
"""What NumPy and zipfile raise about a file whose content is not what its headers say."""
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
        shape, dtype = array_header(path)
        check_memory(dtype.itemsize * math.prod(shape), f"the array in {path}")
        with np.load(path, allow_pickle=False) as content:
            return content[_name(path, content.files)]
    except BROKEN:
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
                claimed, held = dtype.itemsize * math.prod(shape), archive.getinfo(member.name).file_size
                if claimed > held:
                    raise UserError(f"{path} is damaged: its header claims {claimed:,} bytes and it holds {held:,}")
                return shape, dtype
    except BROKEN:
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
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused below
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

"""Feature arrays in files: read without unpickling anything, checked before they are used."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from emtm.data.disguises import disguise
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
_SHOWN = 3
_TIMES = 2
"""An array this narrow holds times of rows, or starts and ends, and no features."""
Header = tuple[tuple[int, ...], np.dtype[Any]]
"""Shape and type of an array."""


def load_array(path: Path) -> Any:
    """Array of an `.npy` (mapped, so that only the rows used are read) or an `.npz` file.

    An `.npz` holds the rows under `features`, as its only array, or as the only one of floating point that has rows.

    Raises:
        UserError: the file is damaged or pickled, or its array is not plain to see.
    """
    try:
        if path.suffix == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        return load_member(path, pick(path, member_headers(path)))
    except BROKEN:
        raise _unreadable(path) from None


def load_member(path: Path, name: str) -> Any:
    """One array of an `.npz` file, by its name; raises UserError where it is damaged, pickled or too large."""
    try:
        shape, dtype = member_headers(path)[name]
        check_memory(dtype.itemsize * math.prod(shape), f"the array in {path}")
        with np.load(path, allow_pickle=False) as content:
            return content[name]
    except BROKEN:
        raise _unreadable(path) from None


def array_header(path: Path) -> Header:
    """Shape and type of the array that `load_array` reads, without its content."""
    if path.suffix == ".npy":
        array = load_array(path)
        return array.shape, array.dtype
    headers = member_headers(path)
    return headers[pick(path, headers)]


def member_headers(path: Path) -> dict[str, Header]:
    """Shape and type of every array of an `.npz` file; raises UserError where it is none, or its headers lie."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            if not names:
                raise UserError(f"{path} holds no arrays")
            return {name.removesuffix(".npy"): _member_header(path, archive, name) for name in names}
    except BROKEN:
        raise _unreadable(path) from None


def pick(path: Path, headers: Mapping[str, Header]) -> str:
    """Name of the array that holds the rows."""
    if "features" in headers:
        return "features"
    rows = candidates(headers)
    found = list(headers) if len(headers) == 1 else rows
    if len(found) != 1:
        shown = f" ({', '.join(rows[:_SHOWN])})" if rows else ""
        raise UserError(
            f"{path} has {len(headers)} arrays, of which {len(rows)} may be features{shown}, "
            "and none is called 'features'"
        )
    return found[0]


def candidates(headers: Mapping[str, Header]) -> list[str]:
    """Names of the arrays that may be feature rows: floating point, with rows, wider than times are."""
    return [
        name
        for name, (shape, dtype) in headers.items()
        if dtype.kind == "f" and (size := rows_shape(shape)) is not None and size[1] > _TIMES
    ]


def rows_shape(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """`(rows, width)` of an array whose other axes are of length one, as `[1, T, D]` is; None of any other."""
    if len(shape) == 2:
        return shape
    long = [size for size in shape if size != 1]
    if len(shape) > 2 and len(long) == 2:
        return long[0], long[1]
    return (1, shape[-1]) if len(shape) > 2 and len(long) == 1 and shape[-1] != 1 else None


def check_header(
    shape: tuple[int, ...], dtype: npt.DTypeLike, video_id: str, path: Path | None = None
) -> tuple[int, int]:
    """Rows and width of an array; raises UserError unless it is `[rows, width]` of floating point, not empty."""
    size = rows_shape(shape)
    if size is None or 0 in size:
        raise UserError(f"features of video '{video_id}' have shape {tuple(shape)}, not [rows, width]{_at(path)}")
    if np.dtype(dtype).kind != "f":
        raise UserError(f"features of video '{video_id}' are {dtype}, not floating point{_at(path)}")
    return size


def checked(array: Any, video_id: str, dim: int, path: Path | None = None) -> FloatArray:
    """Float32 rows `[n, dim]`; raises UserError for another width and for numbers that are not finite."""
    size = check_header(array.shape, array.dtype, video_id, path)
    if size[1] != dim:
        turned = "; is it [width, rows]?" if size[0] == dim else ""
        raise UserError(f"features of video '{video_id}' are {size[1]} wide, the others {dim}{_at(path)}{turned}")
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused below
        rows: FloatArray = array.reshape(size).astype(np.float32, copy=False)
    for first in range(0, len(rows), _CHUNK_ROWS):
        finite = np.isfinite(rows[first : first + _CHUNK_ROWS]).all(axis=1)
        if not finite.all():
            row = first + int(finite.argmin())
            raise UserError(f"features of video '{video_id}' hold NaN or infinity in row {row}{_at(path)}")
    return rows


def _member_header(path: Path, archive: zipfile.ZipFile, name: str) -> Header:
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        reader = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            reader = np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(member)
    claimed, held = dtype.itemsize * math.prod(shape), archive.getinfo(name).file_size
    if claimed > held and not dtype.hasobject:
        raise UserError(f"{path} is damaged: its header claims {claimed:,} bytes and it holds {held:,}")
    return shape, dtype


def _at(path: Path | None) -> str:
    return "" if path is None else f" ({path})"


def _unreadable(path: Path) -> UserError:
    found = disguise(path, (b"\x93NUMPY", b"PK"))
    return UserError(f"{path} is {found or 'not a readable NumPy array (pickles are refused)'}")

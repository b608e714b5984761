"""Arrays kept in a cache: known by their content, so that what is not what was kept there is made anew."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from emtm.files import replacing

Arrays = Mapping[str, npt.NDArray[Any]]
SEAL = "sha256"


class SealError(Exception):
    """A file is absent, cannot be read, or does not hold what was kept there under its key."""


def write_sealed(path: Path, key: str, arrays: Arrays) -> None:
    """Write arrays as `.npz` with a hash of them and of `key`; raises OSError where that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {**arrays, SEAL: np.frombuffer(bytes.fromhex(_hash(key, arrays)), np.uint8)}
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, **content)


def read_sealed(path: Path, key: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays that were written there under `key`; raises SealError for anything else."""
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = dict(content.items())
        seal = arrays.pop(SEAL).tobytes().hex()
    except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, BadZipFile, zlib.error) as error:
        raise SealError(str(error)) from error
    if seal != _hash(key, arrays):
        raise SealError("the content is not what was kept")
    return arrays


def _hash(key: str, arrays: Arrays) -> str:
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass"))
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.data.cast("B") if array.size else b"")
    return digest.hexdigest()

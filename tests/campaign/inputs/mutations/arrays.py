"""Arrays of NumPy, alone or in archives: headers that lie, other types and shapes, other values, other members."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.campaign.inputs.mutations.mutation import Mutation, written
from tests.campaign.inputs.mutations.raw import raw
from tests.campaign.inputs.mutations.values import TEXTS

Array = npt.NDArray[Any]

TYPES = ("f2", "f8", "i1", "i8", "u8", "?", "c8", "U7", "S3", "M8[s]", "m8[D]", "V4", ">f4")
SHAPES: tuple[tuple[int, ...], ...] = (
    *((), (0,), (1,), (0, 5), (5, 0), (1, 1), (3, 1, 4), (1,) * 32, (100_000_000, 1024), (10**25, 1024)),
    *((2**40, 2**40), (-5, 1024), (2**63, 1), (2**31, 2**31)),
)
HEADERS = {
    "version 9": b"\x93NUMPY\x09\x00" + bytes(50),
    "a long header": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"x" * 100,
    "open braces": b"\x93NUMPY\x01\x00" + struct.pack("<H", 80) + b"{" * 80,
    "deep": b"\x93NUMPY\x01\x00" + struct.pack("<H", 60_000) + b"(" * 60_000,
    "a call": b"\x93NUMPY\x01\x00" + struct.pack("<H", 40) + b"{'descr': print('x'), 'shape': (1,)}    ",
    "no keys": b"\x93NUMPY\x01\x00" + struct.pack("<H", 8) + b"{}      ",
    "another key": b"\x93NUMPY\x01\x00" + struct.pack("<H", 40) + b"{'descr': '<f4', 'x': 1}               \n",
    "another type": b"\x93NUMPY\x01\x00"
    + struct.pack("<H", 72)
    + b"{'descr': 'nope', 'fortran_order': False, 'shape': (1,)}               \n",
    "a type within types": b"\x93NUMPY\x01\x00"
    + struct.pack("<H", 96)
    + b"{'descr': [('a', [('b', '<f4', (2,))])], 'fortran_order': True, 'shape': (1,)}                \n",
    "an object": b"\x93NUMPY\x01\x00"
    + struct.pack("<H", 72)
    + b"{'descr': '|O', 'fortran_order': False, 'shape': (3,)}                 \n\x80\x04N.",
}
NUMBERS = (np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-300, 0, -1, 10**6, 2**62)


def stored(array: Array) -> bytes:
    """As an .npy file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def claimed(shape: tuple[int, ...], dtype: str, data: bytes, fortran: bool = False) -> bytes:
    """An .npy file whose header says this, whatever it holds."""
    file = io.BytesIO()
    header = {"descr": dtype, "fortran_order": fortran, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + data


@st.composite
def _array(draw: DrawFn, array: Array) -> tuple[str, str, bytes]:
    """The kind of change, what exactly, and the file."""
    kind = draw(st.sampled_from(("header", "claim", "type", "shape", "number", "value", "rows")))
    with np.errstate(all="ignore"):
        if kind == "header":
            what = draw(st.sampled_from(sorted(HEADERS)))
            return kind, what, HEADERS[what]
        if kind == "claim":
            shape, dtype = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(("<f4", array.dtype.str, "|S1", "<U9")))
            return kind, f"{dtype} {shape}", claimed(shape, dtype, array.tobytes()[:4096], draw(st.booleans()))
        if kind == "type":
            dtype = draw(st.sampled_from(TYPES))
            size = array.size * np.dtype(dtype).itemsize
            return kind, dtype, claimed(array.shape, dtype, (array.tobytes() * 8)[:size].ljust(size, b"\0"))
        if kind == "shape":
            shapes = (array.reshape(-1), array[None], array[..., None], array.T, array[..., :0], array[:0])
            changed = draw(st.sampled_from(shapes))
            return kind, str(changed.shape), stored(np.ascontiguousarray(changed))
        if kind == "rows":
            times = draw(st.sampled_from((1, 2, 50)))
            rows = np.concatenate([array] * times)[: -1 if times == 1 else None] if array.ndim else array[None]
            return kind, str(rows.shape), stored(rows)
        return kind, *_with_values(draw, array, everywhere=kind == "number")


def _with_values(draw: DrawFn, array: Array, everywhere: bool) -> tuple[str, bytes]:
    changed = array.copy()
    if array.dtype.kind in "US":
        text = draw(st.sampled_from(TEXTS))[:100]
        names = [text] * array.size if everywhere else [*map(str, array.reshape(-1)[1:]), text]
        changed = np.array(names or [text]).reshape(array.shape if len(names) == array.size else -1)
        return f"{text!r}", stored(changed)
    number = draw(st.sampled_from(NUMBERS))
    if not array.size:
        return "nothing in it", stored(changed)
    if array.dtype.kind == "f":
        changed.reshape(-1)[slice(None) if everywhere else draw(st.integers(0, array.size - 1))] = number
    else:
        changed = np.full(array.shape, number) if everywhere else ~array if array.dtype.kind in "iub" else array[::-1]
    return f"{number} {'everywhere' if everywhere else 'once'}", stored(np.ascontiguousarray(changed))


def npy(content: bytes) -> SearchStrategy[Mutation]:
    """One array in a file."""
    array = np.load(io.BytesIO(content), allow_pickle=False)
    changed = _array(array).map(lambda found: written(f"array {found[0]}", found[1], found[2]))
    return st.one_of(changed, changed, raw(content))


def archive(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file of these members, equal names and all."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        for name, content in members:
            packed.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


@st.composite
def _members(draw: DrawFn, content: bytes) -> Mutation:
    """Other members in the archive, or other headers of it."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        members = [(name, packed.read(name)) for name in packed.namelist()]
    kinds = (
        "array",
        "array",
        "array",
        "gone",
        "renamed",
        "twice",
        "more",
        "encrypted",
        "method",
        "size",
        "bytes",
        "bomb",
    )
    kind, place = draw(st.sampled_from(kinds)), draw(st.integers(0, len(members) - 1))
    name, held = members[place]
    what = name
    if kind == "array":
        change, exactly, spoiled = draw(_array(np.load(io.BytesIO(held), allow_pickle=False)))
        kind, what, members[place] = f"array {change}", f"{name}: {exactly}", (name, spoiled)
    elif kind == "gone":
        del members[place]
    elif kind == "renamed":
        what = draw(
            st.sampled_from(("", "x", "x.npy", "../../x.npy", "/x.npy", "a" * 9000 + ".npy", f"{name}/", "é.npy"))
        )
        members[place] = (what, held)
    elif kind == "twice":
        members.append((name, held))
    elif kind == "more":
        members.append((draw(st.sampled_from(("x.npy", "x.txt", "deep/x.npy"))), held))
    elif kind == "bytes":
        members[place] = (name, held[: draw(st.integers(0, len(held)))])
    elif kind == "bomb":
        members[place] = (name, claimed((2**28,), "|u1", bytes(2**28)))
    packed_again = bytearray(archive(members))
    central = packed_again.rfind(b"PK\1\2")
    if kind == "encrypted":
        packed_again[6] |= 1
        packed_again[central + 8] |= 1
    elif kind == "method":
        packed_again[8] = packed_again[central + 10] = draw(st.sampled_from((1, 12, 14, 93, 99)))
    elif kind == "size":
        packed_again[central + 24 : central + 28] = struct.pack("<I", draw(st.sampled_from((0, 1, 2**31, 2**32 - 1))))
    label = kind if kind.startswith("array") else f"archive {kind}"
    return written(label, what[:80], bytes(packed_again))


def npz(content: bytes) -> SearchStrategy[Mutation]:
    """Several arrays in an archive."""
    return st.one_of(_members(content), _members(content), raw(content))

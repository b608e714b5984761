"""HDF5 files: other datasets under the names that are looked for, links, attributes."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.campaign.inputs.mutations.mutation import Mutation
from tests.campaign.inputs.mutations.raw import raw
from tests.campaign.inputs.mutations.values import VALUES, dumped

Put = Callable[[h5py.Group, str, Any], object]


def _filled(group: h5py.Group, name: str, old: Any, value: float) -> None:
    group[name] = np.full(old.shape, value, old.dtype if old.dtype.kind == "f" else np.float32)


REPLACEMENTS: dict[str, Put] = {
    "gone": lambda group, name, old: None,
    "381 GiB": lambda group, name, old: group.create_dataset(name, (100_000_000, 1024), "f4", chunks=(1000, 1024)),
    "rows without end": lambda group, name, old: group.create_dataset(name, (2**60, 1), "f4", chunks=(1000, 1)),
    "a link to itself": lambda group, name, old: group.__setitem__(name, h5py.SoftLink(f"{group.name}/{name}")),
    "a link to nothing": lambda group, name, old: group.__setitem__(name, h5py.SoftLink("/nothing")),
    "a link to the root": lambda group, name, old: group.__setitem__(name, h5py.SoftLink("/")),
    "a hard link to the root": lambda group, name, old: group.__setitem__(name, group.file["/"]),
    "a link elsewhere": lambda group, name, old: group.__setitem__(name, h5py.ExternalLink("/etc/passwd", "/x")),
    "a group": lambda group, name, old: group.create_group(name),
    "a group of it": lambda group, name, old: group.create_group(name).__setitem__("x", np.zeros((3, 4), "f4")),
    "a type": lambda group, name, old: group.__setitem__(name, np.dtype("f4")),
    "text": lambda group, name, old: group.create_dataset(name, (3, 4), h5py.string_dtype()),
    "a text": lambda group, name, old: group.__setitem__(name, "x"),
    "bytes that are no UTF-8": lambda group, name, old: group.__setitem__(name, np.array([b"\xff\xfe"])),
    "references": lambda group, name, old: group.create_dataset(name, (3, 3), h5py.ref_dtype),
    "lists of any length": lambda group, name, old: group.create_dataset(name, (3,), h5py.vlen_dtype(np.float32)),
    "nothing": lambda group, name, old: group.create_dataset(name, data=h5py.Empty("f4")),
    "a scalar": lambda group, name, old: group.__setitem__(name, 1.0),
    "no rows": lambda group, name, old: group.create_dataset(name, (0, 12), "f4"),
    "no columns": lambda group, name, old: group.create_dataset(name, (5, 0), "f4"),
    "three dimensions": lambda group, name, old: group.__setitem__(name, np.zeros((2, 3, 4), "f4")),
    "integers": lambda group, name, old: group.__setitem__(name, np.ones((3, 12), np.int8)),
    "halves": lambda group, name, old: group.__setitem__(name, np.ones((3, 12), np.float16)),
    "complex numbers": lambda group, name, old: group.__setitem__(name, np.ones((3, 12), np.complex64)),
    "records": lambda group, name, old: group.__setitem__(name, np.zeros((3, 4), [("a", "f4")])),
    "NaN": partial(_filled, value=np.nan),
    "infinity": partial(_filled, value=np.inf),
    "huge": partial(_filled, value=3e38),
    "negative": partial(_filled, value=-1.0),
}


def _replace(what: str, name: str, path: Path) -> None:
    with h5py.File(path, "r+") as file:
        place, _, last = name.rpartition("/")
        group = file[place or "/"]
        old = group[last]
        kept = old[()] if isinstance(old, h5py.Dataset) else np.zeros((1, 1), np.float32)
        del group[last]
        REPLACEMENTS[what](group, last, kept)


def _attribute(name: str, key: str, value: Any, path: Path) -> None:
    with h5py.File(path, "r+") as file:
        attributes = file[name].attrs
        attributes.pop(key, None)
        if value is not None:
            try:
                attributes[key] = value
            except (TypeError, ValueError, RuntimeError):  # HDF5 cannot hold it; as JSON it can
                attributes[key] = np.bytes_(dumped(value)[:30_000])


def _extra(name: str, path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.require_group(name)


@st.composite
def _changed(draw: DrawFn, names: list[str], attributes: list[tuple[str, str]]) -> Mutation:
    kind = draw(st.sampled_from(("replaced", "replaced", "attribute", "more")))
    if kind == "replaced":
        what, name = draw(st.sampled_from(sorted(REPLACEMENTS))), draw(st.sampled_from(names))
        return Mutation("store replaced", f"{name} by {what}", partial(_replace, what, name))
    if kind == "attribute" and attributes:
        name, key = draw(st.sampled_from(attributes))
        value = draw(st.sampled_from(VALUES))
        return Mutation("store attribute", f"{name}.{key} = {value!r:.60}", partial(_attribute, name, key, value))
    name = draw(st.sampled_from(("x", "x/y/z", "é", " ", "a" * 3000)))
    return Mutation("store more", name[:60], partial(_extra, name))


def hdf5(content: bytes) -> SearchStrategy[Mutation]:
    """A store of arrays, or a file of labels."""
    names: list[str] = []
    with h5py.File(io.BytesIO(content), "r") as file:
        file.visit(names.append)
        attributes = [(name, key) for name in ("/", *names) for key in file[name].attrs]
    changed = _changed(names, attributes)
    return st.one_of(changed, changed, raw(content))

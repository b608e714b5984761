"""Arrays and stores that claim what they do not hold."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.bad_input.refusals import refused, train


def header(shape: tuple[int, ...], dtype: Any = "<f4", data: bytes = bytes(4096)) -> bytes:
    """An .npy file that claims a shape, whatever it holds."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + data


def member(content: bytes, flag: int = 0, method: int | None = None) -> bytes:
    """An .npz file of one array; its flags or its method of compression changed in both headers."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("features.npy", content)
    packed = bytearray(file.getvalue())
    central = packed.rfind(b"PK\1\2")
    packed[6] |= flag
    packed[central + 8] |= flag
    if method is not None:
        packed[8] = packed[central + 10] = method
    return bytes(packed)


ARRAYS = {
    "381-gib": header((100_000_000, 1024)),
    "1e25-rows": header((10**25, 1024)),
    "2^80": header((2**40, 2**40)),
    "negative": header((-5, 1024)),
    "no-rows": header((0, 1024)),
    "cut": header((8, 1024)),
    "objects": header((3,), "|O", b"\x80\x04N."),
    "records": header((3,), [("a", "<f4")]),
    "text": header((3, 4), "<U3"),
    "version": b"\x93NUMPY\x09\x00" + bytes(50),
    "header-length": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"x" * 100,
    "open-brace": b"\x93NUMPY\x01\x00" + struct.pack("<H", 80) + b"{" * 80,
    "deep": b"\x93NUMPY\x01\x00" + struct.pack("<H", 60_000) + b"(" * 60_000,
}
READABLE = {"no-rows", "records", "text"}
"""Arrays all the same, if no features."""
SOUND = header((8, 1024), data=bytes(4 * 8 * 1024))
FILES = {
    **{f"{name}.npy": content for name, content in ARRAYS.items()},
    **{f"{name}.npz": member(content) for name, content in ARRAYS.items()},
    "encrypted.npz": member(SOUND, flag=1),
    "method.npz": member(SOUND, method=99),
    "nan.npy": header((8, 1024), data=np.full(8 * 1024, np.nan, np.float32).tobytes()),
    "float32-overflow.npy": header((8, 1024), "<f8", np.full(8 * 1024, 1e308).tobytes()),
}


@pytest.mark.parametrize("name", FILES)
def test_arrays_that_lie(name: str, run: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    refused(tmp_path, "predict", run, "--video", tmp_path / name, "--query", "q", "--duration", 9)
    if name.endswith(".npz") and name.removesuffix(".npz") not in READABLE:
        refused(tmp_path, "parity", tmp_path / name)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TACoS of four videos, with word vectors."""
    folder = tmp_path_factory.mktemp("tacos")
    for split, videos in {"train": ("v0", "v1"), "val": ("v2",), "test": ("v3",)}.items():
        entry = {"duration": 20.0, "timestamps": [[1, 5]], "sentences": ["a door"]}
        (folder / f"{split}.json").write_text(json.dumps(dict.fromkeys(videos, entry)))
    np.savez(folder / "glove.npz", words=np.array(["a", "door"]), vectors=np.ones((2, 300), np.float32))
    return folder


HDF5: dict[str, Callable[[h5py.File], object]] = {
    "381-gib": lambda file: file.create_dataset("v3", (100_000_000, 1024), "f4", chunks=(1000, 1024)),
    "link-to-itself": lambda file: file.__setitem__("v3", h5py.SoftLink("/v3")),
    "link-to-nothing": lambda file: file.__setitem__("v3", h5py.SoftLink("/nothing")),
    "link-to-root": lambda file: file.__setitem__("v3", h5py.SoftLink("/")),
    "link-elsewhere": lambda file: file.__setitem__("v3", h5py.ExternalLink("/etc/passwd", "/x")),
    "group-of-itself": lambda file: file.create_group("v3").__setitem__("x", h5py.SoftLink("/v3")),
    "group-of-nothing": lambda file: file.create_group("v3").__setitem__("x", h5py.SoftLink("/nothing")),
    "type": lambda file: file.__setitem__("v3", np.dtype("f4")),
    "objects": lambda file: file.create_dataset("v3", (3, 4), h5py.string_dtype()),
    "references": lambda file: file.create_dataset("v3", (3, 3), h5py.ref_dtype),
    "empty": lambda file: file.create_dataset("v3", data=h5py.Empty("f4")),
    "scalar": lambda file: file.__setitem__("v3", 1.0),
    "integers": lambda file: file.__setitem__("v3", np.ones((3, 1024), np.int8)),
    "records": lambda file: file.__setitem__("v3", np.zeros((3, 4), [("a", "f4")])),
}


@pytest.mark.parametrize("name", HDF5)
def test_stores_that_lie(name: str, dataset: Path, tmp_path: Path) -> None:
    path = tmp_path / "features.h5"
    with h5py.File(path, "w") as file:
        for video in ("v0", "v1", "v2"):
            file[video] = np.ones((8, 1024), np.float32)
        HDF5[name](file)
    options = ("--root", dataset, "--features", path, "--glove", dataset / "glove.npz", "--out", tmp_path / "new")
    refused(tmp_path, "train", "emtm-student", "--dataset", "tacos", *options)
    refused(tmp_path, "distill", "--dataset", "smoke", "--teachers", path, "--out", tmp_path / "new")


def test_word_vectors_that_lie(dataset: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "glove.npz", "w") as archive:
        archive.writestr("words.npy", header((10**9,), "<U100"))
        archive.writestr("vectors.npy", header((10**9, 300)))
    assert "glove.npz" in train(tmp_path, "--glove", tmp_path / "glove.npz")
    options = ("--root", dataset, "--features", "", "--glove", dataset / "glove.npz", "--out", tmp_path / "new")
    assert "--features is empty" in refused(tmp_path, "train", "emtm-student", "--dataset", "tacos", *options)

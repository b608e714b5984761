"""Caches: what is not what was kept there is made anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from emtm.data.sealed import SEAL, SealError, read_sealed, write_sealed
from emtm.data.synthetic import cache
from emtm.data.synthetic.config import WORLDS
from emtm.data.word_vectors import read_word_vectors
from emtm.files import cache_dir, kept
from tests.data.test_synthetic import TINY, fingerprint

ARRAYS: dict[str, npt.NDArray[Any]] = {"a": np.arange(6, dtype=np.float16).reshape(2, 3), "none": np.zeros((0, 2))}


def rewritten(path: Path, **changes: np.ndarray) -> None:
    """The same archive with other arrays in it, sound by its own checksums."""
    with np.load(path) as content:
        arrays = {**content, **changes}
    np.savez(path, **arrays)


@pytest.fixture(autouse=True)
def cache_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_arrays_come_back(tmp_path: Path) -> None:
    write_sealed(tmp_path / "x.npz", "key", ARRAYS)
    found = read_sealed(tmp_path / "x.npz", "key")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize(
    "changes",
    [
        {"a": ARRAYS["a"] + 1},
        {"a": ARRAYS["a"].astype(np.float32)},
        {"a": ARRAYS["a"].reshape(3, 2)},
        {"more": np.ones(1)},
        {SEAL: np.zeros(32, np.uint8)},
        {SEAL: np.ones(1)},
    ],
)
def test_what_was_changed_is_not_read(changes: dict[str, np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    write_sealed(path, "key", ARRAYS)
    rewritten(path, **changes)
    with pytest.raises(SealError):
        read_sealed(path, "key")


def test_what_was_kept_under_another_key_is_not_read(tmp_path: Path) -> None:
    write_sealed(tmp_path / "x.npz", "key", ARRAYS)
    with pytest.raises(SealError):
        read_sealed(tmp_path / "x.npz", "other")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_what_is_no_archive_is_not_read(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(SealError):
        read_sealed(tmp_path / "x.npz", "key")
    with pytest.raises(SealError):
        read_sealed(tmp_path / "absent.npz", "key")


def test_a_poisoned_world_is_generated_again(cache_directory: Path) -> None:
    first = cache.load_or_generate("tiny", TINY)
    (path,) = cache_directory.iterdir()
    rewritten(path, latents=first.latents[::-1])
    assert fingerprint(cache.load_or_generate("tiny", TINY)) == fingerprint(first)
    with np.load(path) as content:
        np.testing.assert_array_equal(content["latents"], first.latents)


def test_another_world_under_the_name_of_this_is_generated_again() -> None:
    """Sealed under the very key, but of another size: a mistake of ours, not of a disk."""
    first = cache.load_or_generate("tiny", TINY)
    key = cache.content_key(TINY)
    (path,) = cache_dir().iterdir()
    content = read_sealed(path, key)
    write_sealed(path, key, {**content, "latents": content["latents"][:, :-1]})
    assert fingerprint(cache.load_or_generate("tiny", TINY)) == fingerprint(first)
    assert cache.content_key(WORLDS["smoke"]) != key


def test_poisoned_word_vectors_are_read_again(tmp_path: Path, cache_directory: Path) -> None:
    text = tmp_path / "glove.txt"
    text.write_text("door 1 2 3\nwindow 4 5 6\n")
    first = read_word_vectors(text, ["door", "window"])
    (path,) = (cache_directory / "word-vectors").iterdir()
    rewritten(path, vectors=first.vectors + 1)
    again = read_word_vectors(text, ["door", "window"])
    assert again.words == first.words
    np.testing.assert_array_equal(again.vectors, first.vectors)


@pytest.mark.parametrize(
    "poisoned",
    [
        {"sha256": "0" * 64, "value": {"x": 99.0}},
        {"value": {"x": 99.0}},
        {"x": 99.0},
        [1],
        None,
    ],
)
def test_poisoned_json_is_computed_again(poisoned: object, cache_directory: Path) -> None:
    assert kept("deep/x.json", lambda: {"x": 1.0}) == {"x": 1.0}
    file = cache_directory / "deep" / "x.json"
    sound = file.read_text()
    file.write_text(json.dumps(poisoned))
    assert kept("deep/x.json", lambda: {"x": 1.0}) == {"x": 1.0}
    assert file.read_text() == sound


def test_json_is_known_by_value_name_and_what_is_sound(cache_directory: Path) -> None:
    kept("x.json", lambda: {"x": 1.0})
    assert kept("x.json", lambda: pytest.fail("computed again")) == {"x": 1.0}
    stored = json.loads((cache_directory / "x.json").read_text())
    (cache_directory / "x.json").write_text(json.dumps({**stored, "value": {"x": 99.0}}))
    assert kept("x.json", lambda: {"x": 1.0}) == {"x": 1.0}
    (cache_directory / "x.json").rename(cache_directory / "y.json")
    assert kept("y.json", lambda: {"y": 2.0}) == {"y": 2.0}
    assert kept("y.json", lambda: {"y": 3.0}, lambda value: value["y"] > 2) == {"y": 3.0}

"""Word vectors of installed packages; the packages themselves where they are installed."""

from pathlib import Path

import numpy as np
import pytest

from emtm.data.packaged_vectors import PACKAGED, murmur_hash, read_kumo, read_packaged, read_spacy
from emtm.data.word_vectors import read_word_vectors
from emtm.errors import UserError


def test_hashes_are_spacys() -> None:
    assert murmur_hash(b"coffee", 1) == 3197928453018144401  # as its documentation prints it


def test_words_that_share_a_row(tmp_path: Path) -> None:
    msgpack = pytest.importorskip("msgpack", reason="needs the extra vectors300")
    folder = tmp_path / "_model" / "vocab"
    folder.mkdir(parents=True)
    rows = {murmur_hash(word.encode(), 1): row for word, row in (("dog", 0), ("cat", 0), ("naïve", 1))}
    (folder / "key2row").write_bytes(msgpack.packb(rows))
    with (folder / "vectors").open("wb") as file:
        np.save(file, np.eye(2, 3, dtype=np.float32))
    found = read_spacy(tmp_path, ["cat", "dog", "naïve", "absent"])
    assert found.words == ("cat", "dog", "naïve")
    np.testing.assert_array_equal(found.vectors, [[1, 0, 0], [1, 0, 0], [0, 1, 0]])


def test_words_beside_a_matrix(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra glove")
    from pyarrow import parquet

    folder = tmp_path / "data"
    folder.mkdir()
    parquet.write_table(pyarrow.table({"index": ["the", "door"]}), folder / "glove_6B_index.parquet")
    np.save(folder / "glove_6B_50d_emb.npy", np.eye(2, dtype=np.float64))
    found = read_kumo(tmp_path, ["door", "absent"])
    assert (found.words, found.vectors.tolist(), found.vectors.dtype) == (("door",), [[0, 1]], np.float32)


@pytest.mark.parametrize(("name", "width", "near"), [("glove-6b-50d", 50, 0.8), ("spacy-md-300d", 300, 0.7)])
def test_the_packages_themselves(name: str, width: int, near: float) -> None:
    for module in PACKAGED[name][2]:
        pytest.importorskip(module, reason=f"needs the extra {PACKAGED[name][1]}")
    found = read_word_vectors(Path(name), {"apple", "fruit", "the", "qqxzz"})
    assert found.words == ("apple", "fruit", "the")
    assert found.vectors.shape == (3, width)
    apple, fruit, the = found.vectors / np.linalg.norm(found.vectors, axis=1, keepdims=True)
    assert apple @ fruit > max(apple @ the, fruit @ the)
    assert apple @ fruit > near - 0.25


@pytest.mark.parametrize("name", PACKAGED)
def test_an_absent_package_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    with pytest.raises(UserError, match=rf"'{name}' needs .* and .*: pip install 'emtm-bench\[{PACKAGED[name][1]}\]'"):
        read_packaged(name, {"a"})

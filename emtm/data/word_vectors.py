"""Pretrained word vectors from files, or from installed packages that carry them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emtm.data.features.arrays import BROKEN
from emtm.data.packaged_vectors import PACKAGED, read_packaged
from emtm.data.records import WordVectors
from emtm.data.sealed import SealError, read_sealed, write_sealed
from emtm.data.synthetic.progress import late_progress
from emtm.errors import UserError
from emtm.files import cache_dir

_VERSION = 2
"""To be raised when the cached form changes."""
_REPORT_BYTES = 2**24


def read_word_vectors(path: Path, wanted: Collection[str]) -> WordVectors:
    """Vectors of the `wanted` words from an `.npz` (arrays `words`, `vectors`) or a GloVe `.txt` file.

    A text file (2 GB for GloVe 840B) is streamed once; the vectors found are kept as `.npz` in the user's
    cache directory (or `$EMTM_CACHE`) until the file or the words change. A name of
    `emtm.data.packaged_vectors.PACKAGED` stands for vectors of an installed package.

    Raises:
        UserError: the file cannot be read, or knows none of the words.
    """
    wanted = frozenset(wanted)
    if path.name in PACKAGED and not path.exists():
        found = read_packaged(path.name, wanted)
    elif path.suffix == ".npz":
        found = _from_npz(path)
    elif path.suffix == ".txt":
        found = _from_cache(path, wanted)
    else:
        names = ", ".join(PACKAGED)
        raise UserError(f"word vectors are read from .npz or GloVe .txt files or packages ({names}), not from {path}")
    rows = [row for row, word in enumerate(found.words) if word in wanted]
    if not rows:
        raise UserError(f"{path} has no vector of any word in the dataset")
    return WordVectors(tuple(found.words[row] for row in rows), found.vectors[rows])


def _from_npz(path: Path) -> WordVectors:
    try:
        with np.load(path, allow_pickle=False) as content:
            words, vectors = content["words"], content["vectors"].astype(np.float32)
        if vectors.ndim != 2 or len(words) != len(vectors):
            raise ValueError
    except BROKEN:
        raise UserError(f"{path} is not a readable file of word vectors") from None
    return WordVectors(tuple(str(word) for word in words), vectors)


def _from_cache(path: Path, wanted: frozenset[str]) -> WordVectors:
    """What `_from_text` gives, from the cache if it has been read for these words before."""
    try:
        facts = path.stat()
    except OSError:
        raise UserError(f"cannot read {path}") from None
    key = repr((_VERSION, str(path.resolve()), facts.st_size, facts.st_mtime_ns, sorted(wanted)))
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    kept = cache_dir() / "word-vectors" / f"{path.stem}-{digest}.npz"
    with contextlib.suppress(SealError, KeyError):
        content = read_sealed(kept, key)
        return WordVectors(tuple(map(str, content["words"])), content["vectors"])
    found = _from_text(path, wanted)
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time, not the answer
        write_sealed(kept, key, {"words": np.array(found.words, str), "vectors": found.vectors})
    return found


def _from_text(path: Path, wanted: frozenset[str]) -> WordVectors:
    """Wanted lines `word number ... number`; the width is that of the first line."""
    known = {word.encode("utf-8", "surrogatepass"): word for word in wanted}
    found: dict[str, npt.NDArray[np.float32]] = {}
    width = 0
    with late_progress(f"reading {path.name}", path.stat().st_size) as report, path.open("rb") as file:
        done = reported = 0
        for number, line in enumerate(file, 1):
            if not width:
                width = _width(path, line)
            done += len(line)
            if done - reported > _REPORT_BYTES:
                report(done)
                reported = done
            head, _, rest = line.partition(b" ")
            if head not in known:
                continue
            fields = rest.split()
            # A few "words" of GloVe 840B hold blanks; their first part must not pass for the word itself.
            if len(fields) > width:
                continue
            found.setdefault(known[head], _vector(fields, width, f"{path}, line {number}"))
    if not width:
        raise UserError(f"{path} is empty")
    return WordVectors(tuple(found), np.array(list(found.values()), np.float32).reshape(-1, width))


def _width(path: Path, line: bytes) -> int:
    fields = line.split(b" ")
    if len(fields) == 2 and all(field.strip().isdigit() for field in fields):
        return int(fields[1])  # the header of word2vec's text format: words and width
    if len(fields) < 2:
        raise UserError(f"{path}, line 1: not a word and its numbers")
    return len(fields) - 1


def _vector(fields: list[bytes], width: int, where: str) -> npt.NDArray[np.float32]:
    if len(fields) < width:
        raise UserError(f"{where}: {len(fields)} numbers, not {width}")
    try:
        vector = np.array(fields).astype(np.float32)
    except ValueError:
        raise UserError(f"{where}: not a word and its numbers") from None
    if not np.isfinite(vector).all():
        raise UserError(f"{where}: a number is not finite")
    return vector

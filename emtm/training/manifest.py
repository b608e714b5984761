"""What a run directory holds, by the hashes of its files: a file that was changed or exchanged is refused by name.

``manifest.json`` has for each file the hash of its content. While a file is replaced it has those of the old content
and of the new, so that a run that is killed at any moment has a manifest that fits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emtm.errors import UserError
from emtm.files import read_json, replacing, replacing_together

MANIFEST = "manifest.json"
FORMAT = "emtm-manifest/1"

Hashes = dict[str, list[str]]
_CHUNK = 2**22


def begin(folder: Path) -> None:
    """An empty manifest: from here on what is written with `noted` is known."""
    _write(folder, {})


@contextmanager
def noted(*paths: Path) -> Iterator[list[Path]]:
    """As `emtm.files.replacing_together` for files of one folder; notes the new content where that has a manifest."""
    folder = paths[0].parent
    known = (folder / MANIFEST).exists()
    new: Hashes = {}
    with replacing_together(paths) as partials:
        yield partials
        if known:
            new = {path.name: [sha256(partial)] for path, partial in zip(paths, partials, strict=True)}
            hashes = _read(folder)
            _write(folder, {**hashes, **{name: [*hashes.get(name, []), *found] for name, found in new.items()}})
    if known:
        _write(folder, {**_read(folder), **new})


def settle(folder: Path) -> None:
    """Forget the hashes of contents that were on their way when a process was killed, and never came or have gone."""
    if not (folder / MANIFEST).exists():
        return
    hashes = _read(folder)
    doubtful = [name for name, known in hashes.items() if len(known) > 1 and (folder / name).is_file()]
    there = {name: sha256(folder / name) for name in doubtful}
    settled = {name: [found] for name, found in there.items() if found in hashes[name]}
    if settled:
        _write(folder, {**hashes, **settled})


def check(path: Path, digest: str | None = None) -> None:
    """Raise UserError unless the file is the one that was noted, where its folder has a manifest.

    `digest` is its SHA-256, where that is known already.
    """
    if not (path.parent / MANIFEST).exists():
        return
    noted_hashes = _read(path.parent).get(path.name)
    if noted_hashes is None:
        raise UserError(f"{path} is not a file of this run: {MANIFEST} does not know it")
    try:
        found = digest or sha256(path)
    except OSError:
        raise UserError(f"{path} is missing or damaged") from None
    if found not in noted_hashes:
        raise UserError(f"{path} is damaged or was exchanged: its content is not what {MANIFEST} says")


def sha256(path: Path) -> str:
    """Hash of a file's content; raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _read(folder: Path) -> Hashes:
    file = folder / MANIFEST
    try:
        doc = read_json(file)
        if doc["format"] != FORMAT:
            raise ValueError
        files: Hashes = doc["files"]
        if not all(isinstance(one, str) for hashes in files.values() for one in (*hashes, "")):
            raise ValueError
    except (UserError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{file} is damaged or from another version") from None
    return files


def _write(folder: Path, files: Hashes) -> None:
    text = json.dumps({"format": FORMAT, "files": files}, indent=1) + "\n"
    with replacing(folder / MANIFEST) as partial:
        partial.write_text(text, "utf-8")

"""The manifest that `prepare` writes beside a dataset: what was checked, and checksums to know it again by.

Annotations are hashed again whenever a run opens the dataset. Features and word vectors, which are large,
are compared by size and time of change, and hashed only where the time differs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emtm.data.annotations import Policy
from emtm.errors import UserError
from emtm.files import cache_dir, read_json, replacing

FORMAT = "emtm-manifest/1"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Stamp:
    """How a file is known again."""

    size_bytes: int
    modified_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Stamp of a file as it is now."""
        status = path.stat()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(status.st_size, status.st_mtime_ns, digest)

    def fits(self, path: Path, *, trust_time: bool) -> bool:
        """Whether the file is still the same; with `trust_time` an unchanged time is believed."""
        try:
            status = path.stat()
            if status.st_size != self.size_bytes:
                return False
            if trust_time and status.st_mtime_ns == self.modified_ns:
                return True
            return Stamp.of(path).sha256 == self.sha256
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `prepare` found sound; paths are relative to the dataset's folder where they lie in it."""

    dataset: str
    policy: Policy
    annotations: Mapping[str, Stamp]
    others: Mapping[str, Stamp]
    """Feature files, which were read whole, and word vectors."""
    clip_s: str | None
    """The clock of the features, where it was stated."""
    clock: str | None
    """What every table says about it."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON object."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Manifest:
        """Inverse of `to_json`; raises KeyError, TypeError or ValueError on anything else."""
        if stored["format"] != FORMAT:
            raise ValueError
        known, others = (
            {path: Stamp(**stamp) for path, stamp in stored[key].items()} for key in ("annotations", "others")
        )
        policy, clip_s, clock = Policy(**stored["policy"]), stored.get("clip_s"), stored.get("clock")
        return cls(stored["dataset"], policy, known, others, clip_s, clock)

    def covers(self, root: Path, paths: Iterable[Path]) -> bool:
        """Whether all these feature files were read when the dataset in `root` was prepared."""
        return {_name(root, path) for path in paths} <= set(self.others)


def stamps(
    root: Path, paths: Iterable[Path], progress: Callable[[int], object] = lambda done: None
) -> dict[str, Stamp]:
    """Stamps of files by their names in the manifest of `root`; `progress` hears of each file done."""
    found = {}
    for path in paths:
        found[_name(root, path)] = Stamp.of(path)
        progress(1)
    return found


def write(root: Path, manifest: Manifest) -> Path:
    """Write the manifest into `root`, or into the user's cache where `root` cannot be written; gives the path."""
    text = json.dumps(manifest.to_json(), indent=1) + "\n"
    beside, cached = _places(root, manifest.dataset)
    # A folder that nobody may write to is left alone even by those who could.
    for path in (beside, cached) if root.stat().st_mode & 0o222 else (cached,):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as partial:
                partial.write_text(text, "utf-8")
        except OSError:
            continue
        return path
    raise UserError(f"the manifest of {root} can be written neither there nor into the cache")


def find(root: Path, dataset: str) -> Manifest | None:
    """The manifest of the dataset in `root`; None where `prepare` has not been run, UserError if damaged."""
    for path in _places(root, dataset):
        if not path.is_file():
            continue
        try:
            return Manifest.from_json(read_json(path))
        except (UserError, ValueError, KeyError, TypeError, AttributeError):
            raise UserError(f"{path} is damaged or from another version: run prepare again") from None
    return None


def check(root: Path, manifest: Manifest, used: Iterable[Path] = ()) -> None:
    """Raise UserError where annotations, or those of the `used` files that were prepared, have changed since."""
    changed = [name for name, stamp in manifest.annotations.items() if not stamp.fits(root / name, trust_time=False)]
    names = {_name(root, path) for path in used}
    # A store that lost a prepared file has changed as much as one whose file differs.
    folders = {str(Path(name).parent) for name in names}
    for name, stamp in manifest.others.items():
        watched = name in names or str(Path(name).parent) in folders
        if watched and not stamp.fits(root / name, trust_time=True):
            changed.append(name)
    if changed:
        shown = ", ".join(changed[:_SHOWN]) + (", ..." if len(changed) > _SHOWN else "")
        raise UserError(
            f"{len(changed)} files in {root} have changed since they were prepared ({shown}): "
            f"run `python -m emtm prepare {manifest.dataset}` again"
        )


def _name(root: Path, path: Path) -> str:
    """Path as the manifest has it."""
    whole, base = path.resolve(), root.resolve()
    return whole.relative_to(base).as_posix() if whole.is_relative_to(base) else whole.as_posix()


def _places(root: Path, dataset: str) -> tuple[Path, Path]:
    """Where the manifest of a folder may be: there, or in the cache under a hash of the folder's path."""
    digest = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return root / f"{dataset}.manifest.json", cache_dir() / "manifests" / f"{dataset}-{digest}.json"

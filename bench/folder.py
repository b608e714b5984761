"""A folder of generated files, replaced so that a reader finds the old one or the whole new one."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from emtm.errors import UserError


def replace_folder(files: Mapping[str, bytes], out: Path, what: str, proof: str) -> None:
    """Make `out` hold exactly these files, which are `what`; an older one there is known by its file `proof`.

    Raises UserError when it cannot be written, or holds something else: a mistyped path must not cost anybody
    their files.
    """
    try:
        if out.is_symlink() or (out.exists() and not out.is_dir()):
            raise UserError(f"cannot write the {what} to {out}: it is not a folder")
        if out.exists() and any(out.iterdir()) and not (out / proof).is_file():
            raise UserError(f"cannot write the {what} to {out}: it holds files that are not a {what}")
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        try:
            _fill(fresh, files)
            _swap(fresh, out)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise UserError(f"cannot write the {what} to {out}: {error.strerror}") from None


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.chmod(0o755)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _swap(fresh: Path, out: Path) -> None:
    # A folder cannot replace one that is not empty, so the old one steps aside first.
    old = Path(f"{fresh}.old")
    if out.exists():
        out.rename(old)
    try:
        fresh.rename(out)
    except OSError:
        with contextlib.suppress(OSError):
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)

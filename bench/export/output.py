"""Writing an export: all of its files or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.export.format import Format, Rendering
from emtm.errors import UserError
from emtm.files import replacing_together


def check_out(out: Path, kind: Format, run: Path) -> None:
    """Raises UserError where `out` is not what the format writes, or is the run file itself."""
    if out.exists() and out.is_dir() != (kind.out == "folder"):
        here = "folder" if out.is_dir() else "file"
        raise UserError(f"{kind.name} writes a {kind.out}, but {out} is a {here}")
    if out.exists() and run.exists() and out.samefile(run):
        raise UserError(f"{out} is the run file that is to be exported: give --out another name")


def write(rendering: Rendering, out: Path) -> list[Path]:
    """The files, each replaced at once and none before all are written; raises UserError if that fails."""
    paths = {out / name: content for name, content in rendering.files.items()}
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        _replace(paths)
        for name in rendering.removed:
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"cannot write the export to {out}: {error.strerror}") from None
    return list(paths)


def _replace(contents: Mapping[Path, str]) -> None:
    with replacing_together(list(contents)) as partials:
        for partial, content in zip(partials, contents.values(), strict=True):
            partial.write_bytes(content.encode())

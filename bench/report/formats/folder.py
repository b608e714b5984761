"""Files of a report, written so that a reader finds the old report or the whole new one."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.report.document import Report
from bench.report.formats.csv import runs_csv, study_csv
from bench.report.formats.html import report_html
from bench.report.formats.markdown import report_markdown
from emtm.errors import UserError


def report_files(report: Report) -> dict[str, bytes]:
    """Every file of the report by its path under the output folder."""
    files = {
        "report.html": report_html(report).encode(),
        "report.md": report_markdown(report).encode(),
    }
    if report.content.runs:
        files["results.csv"] = runs_csv(report.content.runs).encode()
    if report.content.study is not None:
        files["study.csv"] = study_csv(report.content.study).encode()
    for figure in report.figures:
        files[f"figures/{figure.name}.svg"] = figure.svg.encode()
        files[f"figures/{figure.name}.png"] = figure.png
    return files


def replace_folder(files: Mapping[str, bytes], out: Path) -> None:
    """Make `out` hold exactly these files.

    Raises UserError when it cannot be written, or holds something that no report has written.
    """
    try:
        _refuse_foreign(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        try:
            _fill(fresh, files)
            _swap(fresh, out)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise UserError(f"cannot write the report to {out}: {error.strerror}") from None


def _refuse_foreign(out: Path) -> None:
    """The old folder is removed, so it must be a report: a mistyped path must not cost anybody their files."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UserError(f"cannot write the report to {out}: it is not a folder")
    if out.exists() and any(out.iterdir()) and not (out / "report.html").is_file():
        raise UserError(f"cannot write the report to {out}: it holds files that are not a report")


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

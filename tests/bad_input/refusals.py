"""What every command does with bad input: one sentence, exit code 2, nothing half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from emtm.cli import app

DEEP = "[" * 100_000
STUDENT = ("emtm-student", "--dataset", "smoke", "--set", "epochs=1")
Edit = Callable[[Path], object]


def refused(folder: Path, *arguments: object, program: Any = app) -> str:
    """The sentence; nothing has come to be in the folder."""
    before = set(folder.rglob("*"))
    result = CliRunner().invoke(program, list(map(str, arguments)))
    assert (result.exit_code, result.stdout) == (2, ""), result.stderr or result.exception
    lines = [line for line in result.stderr.splitlines() if "error" in line or "Traceback" in line]
    assert len(lines) == 1 and lines[0].startswith("error: "), result.stderr
    assert set(folder.rglob("*")) == before
    return lines[0]


def train(folder: Path, *options: object) -> str:
    return refused(folder, "train", *STUDENT, "--out", folder / "new", *options)


def text(content: str | bytes) -> Edit:
    return lambda file: file.write_bytes(content if isinstance(content, bytes) else content.encode())


def replaced_by_a_folder(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.mkdir()


JSON = {
    "deep": text(DEEP),
    "cut": text('{"model": '),
    "empty": text(""),
    "list": text("[]"),
    "null": text("null"),
    "number": text("3"),
    "latin": text(b'{"a": "\xe9"}'),
    "digits": text('{"a": ' + "1" * 6000 + "}"),
    "folder": replaced_by_a_folder,
}

"""What the commands say to the program that ran them: one sentence, and the code that the error itself carries."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import CliRunner

from emtm.cli import app
from emtm.errors import ExitCode, UserError


class UnfitError(UserError):
    """An error with a code of its own."""

    exit_code: ClassVar[ExitCode] = ExitCode.SCHEMA


def test_codes_are_those_of_the_design() -> None:
    assert [code.value for code in ExitCode] == list(range(9))
    assert (ExitCode.FINE, ExitCode.USAGE, ExitCode.SCHEMA, ExitCode.REFUTED) == (0, 2, 7, 8)


@pytest.mark.parametrize(("error", "code"), [(UserError("no  such thing"), 2), (UnfitError("no  such thing"), 7)])
def test_an_error_carries_its_code(error: UserError, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr("emtm.data.datasets.describe", fail)
    result = CliRunner().invoke(app, ["datasets"])
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", "error: no  such thing\n")


@pytest.fixture
def defect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Listing the datasets fails, and the log is kept in the folder."""

    def fail(name: str) -> None:
        raise RuntimeError("a  defect\nof two lines")

    monkeypatch.setattr("emtm.data.datasets.describe", fail)
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path))
    return tmp_path


def test_a_defect_is_one_sentence_that_names_the_log(defect: Path) -> None:
    result = CliRunner().invoke(app, ["datasets"])
    (log,) = (defect / "errors").iterdir()
    sentence = f"error: a defect of this program (RuntimeError: a defect of two lines); the traceback is in {log}\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", sentence)
    text = log.read_text("utf-8")
    assert "arguments ['datasets']" in text
    assert "Traceback (most recent call last)" in text and "in fail" in text


@pytest.mark.parametrize("arguments", [["--debug", "datasets"], ["datasets", "--debug"]])
def test_debug_shows_the_traceback(defect: Path, arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "in fail" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: a defect of this program")


def test_debug_is_an_option_before_two_dashes_only() -> None:
    result = CliRunner().invoke(app, ["datasets", "--", "--debug"])
    assert (result.exit_code, "unknown dataset '--debug'" in result.stderr) == (2, True)


def test_a_log_that_cannot_be_kept_is_not_named(defect: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (defect / "errors").write_text("a file in the place of the folder")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(defect / "errors"))
    result = CliRunner().invoke(app, ["datasets"])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.endswith("; --debug shows the traceback\n")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "cannot write or read: No space left on device"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "x" * 5000), "x: File name too long"),
        (PermissionError(errno.EACCES, "Permission denied", "runs/x"), "runs/x: Permission denied"),
        (MemoryError("Unable to allocate 381. GiB"), "not enough memory (Unable to allocate 381. GiB)"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 4 bytes"), "not enough memory"),
        (RecursionError("maximum recursion depth exceeded"), "what is given is nested too deeply"),
        (UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates not allowed"), "not UTF-8"),
    ],
)
def test_what_the_machine_refuses_is_no_defect(error: Exception, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr("emtm.data.datasets.describe", fail)
    result = CliRunner().invoke(app, ["datasets"])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert words in result.stderr and len(result.stderr) < 500


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("models", "--json"), ("--help",), ("--version",)])
def test_output_that_cannot_be_written(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "emtm", *arguments]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (2, "error: cannot write or read: No space left on device\n")


def test_output_that_nobody_takes() -> None:
    command = f"{sys.executable} -m emtm --version >&-"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian"], "train"),
        (["evaluate"], "run"),
        (["evaluate", "runs/x", "--protokol", "index"], "--protokol"),
        (["predict", "runs/x", "--video", "v.npy", "--query", "q", "--top-k", "0"], "--top-k"),
        (["predict", "runs/x", "--video", "v.npy", "--query", "q", "--top-k", "many"], "--top-k"),
        (["train", "vslnet", "--dataset", "smoke"], "--out"),
    ],
)
def test_wrong_arguments_are_one_sentence(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == ExitCode.USAGE
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr


@pytest.mark.parametrize(
    ("command", "choices"),
    [
        ("evaluate", "timestamp|index"),
        ("score", "timestamp|index"),
        ("prepare", "clip|keep"),
        ("prepare", "drop|keep"),
    ],
)
def test_help_lists_the_choices(command: str, choices: str) -> None:
    assert choices in CliRunner().invoke(app, [command, "--help"]).stdout


def test_without_a_command_the_help_is_shown() -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == ExitCode.USAGE
    assert "reproduce" in result.stdout
    assert CliRunner().invoke(app, ["--help"]).exit_code == ExitCode.FINE
    assert CliRunner().invoke(app, ["--version"]).exit_code == ExitCode.FINE

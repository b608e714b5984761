"""What the commands say to the program that ran them: one sentence, and the code that the error itself carries."""

from __future__ import annotations

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


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("emtm.data.datasets.describe", fail)
    result = CliRunner().invoke(app, ["datasets"])
    assert isinstance(result.exception, RuntimeError)
    assert result.exit_code == 1


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

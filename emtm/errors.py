"""The exit codes of all commands; the one error that they turn into a sentence, and its commonest sentence."""

from __future__ import annotations

import difflib
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a command says to the program that ran it."""

    FINE = 0
    UNEXPECTED = 1
    """A check did not hold; or a defect of this suite, whose traceback is in the log file that it names."""
    USAGE = 2
    """Wrong input or arguments."""
    REGRESSION = 3
    CASES = 4
    """A case of a benchmark is missing, extra or newly failing."""
    ENVIRONMENT = 5
    """The machine cannot carry a verdict."""
    INCONCLUSIVE = 6
    SCHEMA = 7
    """A result file does not follow its schema, or contradicts itself."""
    REFUTED = 8
    """A claim."""


class UserError(Exception):
    """Something the user gave is wrong; the message says what, in one sentence."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


def unknown(what: str, name: str, known: tuple[str, ...] | list[str]) -> str:
    """One sentence saying that `name` is not among `known`, with the nearest one."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
    return f"unknown {what} '{name}': {hint}"

"""The boundary at which an error becomes one sentence on stderr and an exit code."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from emtm.errors import ExitCode, UserError


class Commands(TyperGroup):
    """Commands of one program. What the user got wrong ends in one sentence; a defect in its traceback."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run the command that the arguments name, and leave with its exit code."""
        try:
            # What a command returns is nothing, or the code of a `typer.Exit`.
            code = super().main(*args, **{**kwargs, "standalone_mode": False})
        except typer.Abort:
            code = ExitCode.UNEXPECTED
        except UserError as error:
            code = _say(str(error), error.exit_code)
        except Exception as error:
            # What Typer raises about arguments has no public name in common.
            explain = getattr(error, "format_message", None)
            if explain is None:
                raise
            code = _say(" ".join(explain().split()), ExitCode.USAGE)
        sys.exit(int(code or ExitCode.FINE))


def _say(text: str, code: ExitCode) -> ExitCode:
    print(f"error: {text}", file=sys.stderr)
    return code

"""The boundary at which an error becomes one sentence on stderr and an exit code.

What the user got wrong is a `UserError`, or one of Typer's, and says so itself. What the machine refused (a full disk,
a name too long, memory) is explained here. Anything else is a defect: its traceback goes to a log file, which the
sentence names. `--debug`, anywhere among the arguments, shows the traceback of any of them. Ctrl-C and SIGTERM end a
command alike, with exit code 130; what a KeyboardInterrupt says is how to go on.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from emtm import __version__
from emtm.errors import ExitCode, UserError
from emtm.files import cache_dir
from emtm.processes import terminated_as_interrupted

DEBUG = "--debug"
_SHOWN = 300
"""Letters of an error's own words that are repeated."""


class Commands(TyperGroup):
    """Commands of one program, whose every error is one sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; whoever stops it is told how to go on."""
        with _telling_how_to_go_on():
            return super().invoke(ctx)

    def main(self, args: Sequence[str] | None = None, *more: Any, **kwargs: Any) -> NoReturn:
        """Run the command that the arguments name, and leave with its exit code."""
        _leave(super().main, args, more, kwargs)


class OneCommand(TyperCommand):
    """A program of a single command, whose every error is one sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; whoever stops it is told how to go on."""
        with _telling_how_to_go_on():
            return super().invoke(ctx)

    def main(self, args: Sequence[str] | None = None, *more: Any, **kwargs: Any) -> NoReturn:
        """Run the command, and leave with its exit code."""
        _leave(super().main, args, more, kwargs)


@contextlib.contextmanager
def _telling_how_to_go_on() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as stop:
        how = stop.args[0] if stop.args else "the same command begins anew"
        with contextlib.suppress(OSError):
            print(f"stopped; {how}", file=sys.stderr, flush=True)
        raise


def _leave(
    run: Callable[..., Any], args: Sequence[str] | None, more: tuple[Any, ...], kwargs: dict[str, Any]
) -> NoReturn:
    """Run a program, say what went wrong, and leave with the exit code."""
    given = list(sys.argv[1:] if args is None else args)
    options = given[: given.index("--")] if "--" in given else given
    debug = DEBUG in options
    given = [*(option for option in options if option != DEBUG), *given[len(options) :]]
    try:
        # What a command returns is nothing, or the code of a `typer.Exit`.
        with terminated_as_interrupted():
            code = run(given, *more, **{**kwargs, "standalone_mode": False})
        if sys.stdout is not None:  # it was closed by whoever started us
            sys.stdout.flush()
    except typer.Abort:
        code = ExitCode.UNEXPECTED
    except Exception as error:
        if debug:
            traceback.print_exc()
        code = _explain(error, given)
    sys.exit(int(code or ExitCode.FINE))


def _explain(error: Exception, arguments: Sequence[str]) -> ExitCode:
    """Say what went wrong; the exit code that goes with it."""
    if isinstance(error, UserError):
        return _say(str(error), error.exit_code)
    # What Typer raises about arguments has no public name in common.
    explain = getattr(error, "format_message", None)
    if explain is not None:
        return _say(" ".join(explain().split()), ExitCode.USAGE)
    refused = _refused(error)
    if refused is not None:
        return _say(refused, ExitCode.USAGE)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    log = _logged(error, arguments)
    where = f"the traceback is in {log}" if log is not None else f"{DEBUG} shows the traceback"
    return _say(f"a defect of this program ({_clipped(what)}); {where}", ExitCode.UNEXPECTED)


def _refused(error: Exception) -> str | None:
    """What the machine or Python did not do, in words; None where the error is none of theirs."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        _let_go_of_output()
        name = error.filename
        return f"{os.fsdecode(name)[:_SHOWN]}: {error.strerror}" if name else f"cannot write or read: {error.strerror}"
    # torch has a class of its own for CUDA alone.
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "allocate" in text and "memory" in text):
        return f"there is not enough memory ({_clipped(text) or 'no size is given'})"
    if isinstance(error, RecursionError):
        return "what is given is nested too deeply"
    if isinstance(error, UnicodeError):
        return f"a name or a text is not UTF-8 ({_clipped(text)})"
    return None


def _let_go_of_output() -> None:
    """What cannot be written now cannot be written at the end either, where Python would say so again."""
    try:
        print(end="", flush=True)
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _logged(error: Exception, arguments: Sequence[str]) -> Path | None:
    """The file that keeps a traceback; None where none can be written."""
    head = f"emtm {__version__}, Python {sys.version.split()[0]}, arguments {list(arguments)!r}\n\n"
    text = head + "".join(traceback.format_exception(error))
    for folder in (cache_dir() / "errors", Path(tempfile.gettempdir())):
        path = folder / f"emtm-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", "backslashreplace")
            return path
    return None


def _clipped(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}..."


def _say(text: str, code: ExitCode) -> ExitCode:
    line = " ".join(text.splitlines()).encode("utf-8", "backslashreplace").decode("utf-8")
    with contextlib.suppress(OSError):
        print(f"error: {line}", file=sys.stderr, flush=True)
    return code

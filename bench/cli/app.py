"""All commands under one program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from bench.cli.ab import ab
from bench.cli.audit import audit
from bench.cli.choose import choose
from bench.cli.claims import claims
from bench.cli.compare import compare
from bench.cli.export import EPILOG, export
from bench.cli.history import history
from bench.cli.report import report, validate
from bench.cli.selftest import selftest
from emtm.cli.boundary import Commands

app = typer.Typer(
    name="bench.report",
    cls=Commands,
    help="Reports of benchmark runs. Without a command: `report`.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command(epilog="Example: python -m bench.report reports/reference/RUN.json --out my-report")(report)
app.command(epilog="Example: python -m bench.report validate reports/runs/RUN.json")(validate)
app.command(epilog="Example: python -m bench.report compare reports/main.json reports/runs/RUN.json --markdown")(
    compare
)
app.command(epilog="Example: python -m bench.report ab --base main --head WORKTREE -k 'emtm-student and charades'")(ab)
app.command(epilog="Example: python -m bench.report selftest --out selftest.json")(selftest)
app.command(epilog=EPILOG)(export)
app.command(epilog="Example: python -m bench.report history reports/runs --out site")(history)
app.command(epilog="Example: python -m bench.report audit --fit")(audit)
app.command(epilog="Example: python -m bench.report claims reports/runs/RUN.json --claims mine.yaml")(claims)
app.command(epilog="Example: python -m bench.report choose --dataset charades-sta --latency-ms 5 --memory-mb 100")(
    choose
)


def main(argv: Sequence[str]) -> int:
    """Run a command; the first argument names it, or is already an argument of `report`: an option, or a run's path."""
    names = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    arguments = list(argv)
    if not arguments or (arguments[0] not in names and arguments[0] != "--help" and not _is_word(arguments[0])):
        arguments.insert(0, "report")
    try:
        app(args=arguments, prog_name="python -m bench.report")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0


def _is_word(argument: str) -> bool:
    """Would it be a command, if there were one of that name?"""
    return argument.replace("-", "").isalpha() and not argument.startswith("-") and not Path(argument).exists()

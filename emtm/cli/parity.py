"""Agreement with the published code: `parity`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emtm.cli.app import JsonFlag, command
from emtm.cli.output import print_json, print_table
from emtm.errors import ExitCode


@command("python -m emtm parity fixtures/")
def parity(
    paths: Annotated[list[Path], typer.Argument(help="Fixture files, or folders of them.")],
    as_json: JsonFlag = False,
) -> None:
    """Run our models on reference fixtures; exit 1 if an output deviates or nobody knows an array."""
    from emtm.parity.checking import check_fixture, find_fixtures
    from emtm.parity.fixture import UNUSED

    rows = [row for path in find_fixtures(paths) for row in check_fixture(path)]
    if as_json:
        print_json([row.to_json() for row in rows])
    else:
        cells = []
        for row in rows:
            deviation = "-" if row.max_abs is None else f"{row.max_abs:.1e}"
            cells.append((row.fixture, row.model, row.output, deviation, "yes" if row.ok else "NO"))
        print_table(("fixture", "model", "output", "largest deviation", "ok"), cells)
        compared = [row for row in rows if row.model != UNUSED]
        agree, unused = sum(row.ok for row in compared), _and_unused(len(rows) - len(compared))
        print(f"{agree} of {len(compared)} outputs agree{unused}")
    if not all(row.ok for row in rows):
        raise typer.Exit(ExitCode.UNEXPECTED)


def _and_unused(count: int) -> str:
    return f"; {count} array{' is' if count == 1 else 's are'} unused, as named above" if count else ""

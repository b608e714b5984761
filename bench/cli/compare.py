"""`compare`: two run files, case by case."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from emtm.errors import UserError


def compare(
    base: Annotated[Path, typer.Argument(help="Run file to compare with.")],
    head: Annotated[Path, typer.Argument(help="Run file that is judged.")],
    expression: Annotated[str, typer.Option("-k", help="Cases to compare, as pytest's -k over case ids.")] = "",
    min_effect: Annotated[
        float, typer.Option(help="Percent below which no time is called slower or faster.", min=0)
    ] = 2.0,
    across_machines: Annotated[
        bool, typer.Option("--across-machines", help="Compare times of different machines all the same, as ratios.")
    ] = False,
    soft: Annotated[bool, typer.Option("--soft", help="Exit 0 instead of 5 and 6, with a warning.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a comment for a pull request.")] = False,
) -> None:
    """Compare two run files: slower, faster, the same, or cannot be told.

    Counted figures have no tolerance. Times are compared as ratios to the reference product that each run timed
    beside them, and never called different by less than the two sessions can tell apart.

    Exit codes: 0 fine, 2 wrong input, 3 a regression, 4 a case missing, extra or newly failing, 5 different
    machines, 6 cannot be told, 7 a file that does not follow its schema or contradicts itself.
    """
    from bench.compare.comparison import compare as compare_runs
    from bench.compare.document import document
    from bench.compare.markdown import markdown
    from bench.compare.text import print_comparison
    from bench.compare.wording import remark
    from bench.consistency import read_consistent
    from bench.report.formats.terminal import terminal
    from bench.selection import matcher

    if as_json and as_markdown:
        raise UserError("--json and --markdown exclude each other")
    found = compare_runs(
        read_consistent(base),
        read_consistent(head),
        chosen=matcher(expression),
        min_effect=min_effect / 100,
        across_machines=across_machines,
    )
    code, strict = found.exit_code(soft=soft), found.exit_code()
    if as_json:
        print(json.dumps(document(found, code), indent=1, allow_nan=False))
    elif as_markdown:
        print(markdown(found), end="")
    else:
        print_comparison(terminal(), found)
    if warning := remark(strict, code):
        print(warning, file=sys.stderr)
    raise typer.Exit(int(code))

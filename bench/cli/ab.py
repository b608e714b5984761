"""`ab`: two revisions measured against each other, now, on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from emtm.errors import UserError


def ab(
    base: Annotated[str, typer.Option(help="Revision to compare with: a branch, tag or commit.")],
    head: Annotated[str, typer.Option(help="Revision that is judged; WORKTREE is the tree as it lies on disk.")],
    expression: Annotated[
        str, typer.Option("-k", help="Cases to measure, as pytest's -k over case ids.")
    ] = "charades-sta and single_stream",
    package: Annotated[
        Path, typer.Option(help="Checkout whose revisions are meant: this suite, or a package that plugs models in.")
    ] = Path(),
    min_effect: Annotated[float, typer.Option(help="Percent below which no difference counts.", min=0.1, max=50)] = 2.0,
    budget: Annotated[float, typer.Option(help="Seconds for each case, at the most.", min=1)] = 60.0,
    rounds: Annotated[int, typer.Option(help="Rounds of fresh processes, at the most.", min=4, max=1000)] = 23,
    seed: Annotated[int, typer.Option(help="Of the order in which cases and sides take turns.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Also write everything to this JSON file.")] = None,
    soft: Annotated[bool, typer.Option("--soft", help="Exit 0 instead of 5 and 6, with a warning.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a comment for a pull request.")] = False,
) -> None:
    """Measure two revisions against each other: slower, faster, the same, or cannot be told.

    Both are checked out beside the tree, and fresh processes of each are timed in turn on one core, round after
    round, until every case is decided. The chance of any false alarm is 1 %, over all cases and however often was
    looked. The base against itself, and the base with a real slowdown of 3 %, are measured in the same session: if
    they do not come out as they must, the machine cannot carry a verdict.

    Exit codes: 0 fine, 2 wrong input, 3 a regression, 4 a case missing, extra or newly failing, 5 the sentinels
    failed, 6 cannot be told.
    """
    from bench.ab.document import document, notes, side_line
    from bench.ab.measuring import measure
    from bench.ab.sequential import Plan
    from bench.ab.text import print_report
    from bench.compare.markdown import comment
    from bench.compare.wording import remark
    from bench.report.formats.terminal import terminal
    from emtm.files import replacing
    from emtm.processes import reserved
    from emtm.temporary import scratch

    if as_json and as_markdown:
        raise UserError("--json and --markdown exclude each other")
    if out is not None and not out.resolve().parent.is_dir():
        raise UserError(f"cannot write {out}: there is no folder {out.resolve().parent}")
    plan = Plan(min_effect=min_effect / 100, max_rounds=rounds)
    with reserved(out) if out is not None else nullcontext():
        with scratch("ab") as folder, progressing() as progress:
            found = measure(package, base, head, expression, plan, budget, seed, folder, progress)
        code, strict = found.exit_code(soft=soft), found.exit_code()
        text = json.dumps(document(found, code), indent=1, allow_nan=False) + "\n"
        if out is not None:
            with replacing(out) as partial:
                partial.write_text(text, "utf-8")
    if as_json:
        print(text, end="")
    elif as_markdown:
        print(comment(found, (side_line(found.base), side_line(found.head)), notes(found)), end="")
    else:
        print_report(terminal(), found)
    if warning := remark(strict, code):
        print(warning, file=sys.stderr)
    raise typer.Exit(int(code))


@contextmanager
def progressing() -> Iterator[Callable[[str], object]]:
    """One line on standard error that says what is going on; plain lines where nobody looks."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda line: print(line, file=sys.stderr) if line.endswith("decided") else None
        return
    with console.status("") as status:
        yield lambda line: status.update(line[: console.width - 4])

"""`python -m bench.peers`: the published code beside ours, from the user's own checkout, in one run."""

from __future__ import annotations

import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from emtm.cli.boundary import OneCommand
from emtm.errors import ExitCode, UserError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
EXAMPLE = (
    "Example: git clone https://github.com/renjie-liang/EMET && python3.11 -m venv tf && "
    "tf/bin/pip install tensorflow-cpu==2.15.1 && "
    "python -m bench.peers --code EMET --python tf/bin/python --out peers.json"
)


@app.command(cls=OneCommand, epilog=EXAMPLE)
def main(
    code: Annotated[Path, typer.Option(help="Your checkout of EMTM's published code, renjie-liang/EMET.")],
    python: Annotated[str, typer.Option(help="A python with TensorFlow 2.12 to 2.15, in an environment of its own.")],
    out: Annotated[Path | None, typer.Option(help="File to write.")] = None,
    expression: Annotated[
        str, typer.Option("-k", help="What to compare, as pytest's -k over ids such as emtm-student|tacos|infer|b1.")
    ] = "",
    rounds: Annotated[int, typer.Option(help="Rounds of fresh processes, at the most.", min=1, max=100)] = 5,
    budget: Annotated[float, typer.Option(help="Seconds after which no further round is begun.", min=1)] = 450.0,
    seed: Annotated[int, typer.Option(help="Of the order in which cases and rows take turns.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")] = False,
) -> None:
    """Measure EMTM's published code beside ours: inference and training steps, on one thread, in turn.

    Every row is a process of its own, gets the same weights and inputs, and is not timed unless it answers what the
    published code answers. Nothing of that code is part of this suite: it is read from your checkout, whose files must
    be those of the commit that was ported.

    Exit codes: 0 fine, 2 wrong input, 4 a row could not be timed, or does not answer the same.
    """
    from bench.instruments.environment import EnvironmentWindow
    from bench.missing import Missing
    from bench.peers import emet
    from bench.peers.contests import BASE, Row, contests
    from bench.peers.document import record, text
    from bench.peers.peer import check_checkout
    from bench.peers.processes import Starting, check_python, starter
    from bench.peers.session import Session
    from bench.peers.tables import tables
    from bench.report.formats.markdown import table_markdown
    from bench.report.formats.terminal import print_table, terminal
    from emtm.files import replacing
    from emtm.processes import reserved
    from emtm.temporary import scratch

    if as_json and as_markdown:
        raise UserError("--json and --markdown exclude each other")
    if out is not None and not out.resolve().parent.is_dir():
        raise UserError(f"cannot write {out}: there is no folder {out.resolve().parent}")
    peer, chosen = emet.EMET, contests(expression)
    check_checkout(peer, code)
    found = shutil.which(python)
    if found is None:
        raise UserError(f"there is no program {python}")
    argv = ("python", "-m", "bench.peers", *sys.argv[1:])
    with reserved(out) if out is not None else nullcontext(), scratch("peers") as folder:
        starting = Starting(peer, code, Path(found).absolute(), folder)
        check_python(starting, Row(BASE, peer.title, ours=False))
        window = EnvironmentWindow()
        session = Session(peer, chosen, starter(starting), folder, seed, _say)
        outcome = session.run(rounds, budget)
        environment = window.close(Missing("a comparison with a peer times no reference product"))
        run = record(peer, code, outcome, environment, argv, rounds, seed)
        if out is not None:
            with replacing(out) as partial:
                partial.write_text(text(run), "utf-8")
    if as_json:
        print(text(run), end="")
    elif as_markdown:
        print("\n\n".join(map(table_markdown, tables(run))))
    else:
        console = terminal()
        for table in tables(run):
            print_table(console, table)
    if any(not isinstance(row.reason, Missing) for case in run.cases for row in case.rows):
        raise typer.Exit(ExitCode.CASES)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    app(prog_name="python -m bench.peers")

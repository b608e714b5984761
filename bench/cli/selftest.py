"""`selftest`: can this machine be believed now?"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from emtm.errors import UserError


def selftest(
    comparisons: Annotated[
        int, typer.Option(help="Comparisons of one tree with itself, each of which could be a false alarm.", min=1)
    ] = 16,
    slowed: Annotated[int, typer.Option(help="Comparisons with a real slowdown of 3 % on one side.", min=1)] = 4,
    expression: Annotated[
        str, typer.Option("-k", help="Cases to compare, as pytest's -k over case ids; cheap ones.")
    ] = "charades-sta and single_stream and (emtm or seqpan or vslnet or emb)",
    budget: Annotated[float, typer.Option(help="Seconds for each comparison, at the most.", min=1)] = 60.0,
    seed: Annotated[int, typer.Option(help="Of the order in which cases and sides take turns.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Also write everything to this JSON file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Check every instrument against a known truth, and the gate of `ab` against itself.

    Exit code 5 when an instrument is wrong, or when verdicts cannot be given here now: more false alarms or missed
    slowdowns than promised, or mostly no answer.
    """
    from bench.ab.arm import ArmError
    from bench.cli.ab import progressing
    from bench.instruments.environment import EnvironmentWindow
    from bench.missing import Missing
    from bench.selection import matcher
    from bench.selftest.document import Selftest, document, lines
    from bench.selftest.gate import local, sessions
    from bench.selftest.truths import truths
    from emtm.files import replacing

    if out is not None and not out.resolve().parent.is_dir():
        raise UserError(f"cannot write {out}: there is no folder {out.resolve().parent}")
    window = EnvironmentWindow()
    with tempfile.TemporaryDirectory(prefix="emtm-selftest-") as scratch, progressing() as progress:
        answers = truths(progress)
        start = local(Path(scratch))
        arm = start("base")
        try:
            case_ids = list(filter(matcher(expression), arm.hello()))
        except ArmError as error:
            raise UserError(f"no process can be started: {error}") from None
        finally:
            arm.close()
        if not case_ids:
            raise UserError(f"no case is meant by -k '{expression}'")
        gate = sessions(case_ids, comparisons, slowed, start, budget, seed, progress)
    environment = window.close(Missing("a selftest times no reference product"))
    found = Selftest(truths=answers, gate=gate, seed=seed, environment=environment)
    text = json.dumps(document(found), indent=1, allow_nan=False) + "\n"
    if out is not None:
        with replacing(out) as partial:
            partial.write_text(text, "utf-8")
    print(text if as_json else "\n".join(lines(found)))
    raise typer.Exit(int(found.exit_code))

"""`selftest`: can this machine be believed now?"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
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
    ] = "charades-sta and single_stream and eager and (emtm or seqpan or vslnet)",
    budget: Annotated[float, typer.Option(help="Seconds for each comparison, at the most.", min=1)] = 60.0,
    seed: Annotated[int, typer.Option(help="Of the order in which cases and sides take turns.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Also write everything to this JSON file.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with --out: what it holds counts.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Check every instrument against a known truth, and the gate of `ab` against itself.

    Exit code 5 when an instrument is wrong, or when verdicts cannot be given here now: more false alarms or missed
    slowdowns than promised, or mostly no answer. --out is written after each session of comparisons, so that a long
    selftest can be cut off and gone on with.

    Example: python -m bench.report selftest --comparisons 200 --slowed 40 --out selftest.json --resume
    """
    from bench.ab.session import Outcome
    from bench.cli.ab import progressing
    from bench.instruments.environment import EnvironmentWindow
    from bench.isolation.lines import WorkerError
    from bench.missing import Missing
    from bench.selection import matcher
    from bench.selftest.document import Selftest, Sitting, lines, text
    from bench.selftest.gate import Gate, local, sessions
    from bench.selftest.reading import read_selftest
    from bench.selftest.truths import truths
    from emtm.cli.output import resumable
    from emtm.files import replacing
    from emtm.processes import reserved
    from emtm.temporary import scratch

    if resume and out is None:
        raise UserError("--resume goes on with a file: name it by --out")
    if out is not None and not out.resolve().parent.is_dir():
        raise UserError(f"cannot write {out}: there is no folder {out.resolve().parent}")
    with ExitStack() as stack:
        if out is not None:
            stack.enter_context(resumable(out, "the same command with --resume goes on"))
            stack.enter_context(reserved(out))
        folder, progress = stack.enter_context(scratch("selftest")), stack.enter_context(progressing())
        earlier = read_selftest(out) if resume and out is not None and out.exists() else Selftest(())
        window, unmeasured = EnvironmentWindow(), Missing("a selftest times no reference product")
        if any(s.environment.fingerprint != window.close(unmeasured).fingerprint for s in earlier.sittings):
            raise UserError(f"{out} is of another machine, or of other software or settings")
        start = local(folder)
        arm = start("base")
        try:
            case_ids = list(filter(matcher(expression), arm.hello()))
        except WorkerError as error:
            raise UserError(f"no process can be started: {error}") from None
        finally:
            arm.close()
        if not case_ids:
            raise UserError(f"no case is meant by -k '{expression}'")
        began, answers, done, found = (
            f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            truths(progress),
            list[Outcome](),
            earlier,
        )
        seed += len(earlier.sittings)
        for outcome in sessions(case_ids, comparisons, slowed, start, budget, seed, progress, earlier=earlier.gate):
            done.append(outcome)
            sitting = Sitting(began, seed, answers, Gate(tuple(done)), window.close(unmeasured))
            found = Selftest([*earlier.sittings, sitting])
            if out is not None:
                with replacing(out) as partial:
                    partial.write_text(text(found), "utf-8")
    print(text(found) if as_json else "\n".join(lines(found)), end="" if as_json else "\n")
    raise typer.Exit(int(found.exit_code))

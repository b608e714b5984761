"""`python -m bench.gpu_check`: all that a graphics card is asked, in minutes, into one run file."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

import typer

from emtm.cli.boundary import OneCommand
from emtm.errors import ExitCode, UserError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(cls=OneCommand, epilog="Example: python -m bench.gpu_check --out reports/runs/gpu.json")
def main(
    out: Annotated[Path, typer.Option(help="Run file to write, after every part.")],
    device: Annotated[
        Literal["cuda", "cpu"], typer.Option(help="cpu tries everything but the card and compiling, at small sizes.")
    ] = "cuda",
    budget: Annotated[float, typer.Option(help="Seconds for all parts together.", min=1)] = 480.0,
    models: Annotated[str, typer.Option(help="Models to check, comma-separated; all by default.")] = "",
) -> None:
    """Check a graphics card: parity, speed and memory, energy, training, a study's hours, and the harness itself.

    One line a part; each row fails alone, and what does not fit the time is left out, with the reason. Exit code 5
    when outputs differ from the CPU's or losses are not finite, 4 when part of it is not there.
    """
    from bench.gpu_check.check import Check, incomplete
    from bench.gpu_check.parity import sound
    from bench.gpu_check.plan import make_plan, single_precision
    from bench.gpu_check.session import make_lab
    from bench.gpu_check.training import finite_losses
    from emtm.processes import reserved
    from emtm.temporary import scratch

    if out.is_dir():
        raise UserError(f"cannot write {out}: it is a folder")
    with ExitStack() as stack:
        folder = stack.enter_context(scratch("gpu-check"))
        plan = make_plan(device, tuple(name.strip() for name in models.split(",") if name.strip()), folder)
        stack.enter_context(reserved(out))
        single_precision()
        lab = make_lab(plan, Path.cwd(), ("python", "-m", "bench.gpu_check", *sys.argv[1:]), budget)
        found = Check(plan, lab, out, budget, lambda line: print(line, flush=True)).run()
    if isinstance(found.study_h, float):
        print(f"the whole study would take {found.study_h:.3g} h here, from {found.study_from}")
    print(out)
    if not all(map(sound, found.parity)) or not all(map(finite_losses, found.training)):
        raise typer.Exit(ExitCode.ENVIRONMENT)
    if incomplete(found):
        raise typer.Exit(ExitCode.CASES)


if __name__ == "__main__":
    app(prog_name="python -m bench.gpu_check")

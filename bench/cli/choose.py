"""`choose`: the models that fit a budget, by accuracy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bench.choose.budget import KINDS, Limit
from bench.choose.candidates import Place, newest_at
from bench.choose.choice import choose as judge
from bench.choose.document import document
from bench.choose.figure import frontier
from bench.choose.tables import origin, question, sentences, tables
from bench.report.formats.terminal import print_table, terminal
from bench.results import read_run
from bench.safe import clean, cleaned
from emtm.errors import UserError
from emtm.files import replacing
from emtm.processes import reserved


def choose(
    dataset: Annotated[str, typer.Option(help="Whose videos and queries: charades-sta, synth-charades, ...")],
    run: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Run files; by default the newest with such cases, in reports/runs or else reports/reference."
        ),
    ] = None,
    latency_ms: Annotated[float | None, typer.Option(help="Most milliseconds a query, as a median.")] = None,
    memory_mb: Annotated[float | None, typer.Option(help="Most memory in MB (10^6 bytes).")] = None,
    macs: Annotated[float | None, typer.Option(help="Most multiply-adds a query, such as 1e9.")] = None,
    params: Annotated[float | None, typer.Option(help="Most parameters, such as 5e6.")] = None,
    device: Annotated[str, typer.Option(help="Where the model runs.")] = "cpu",
    threads: Annotated[int | None, typer.Option(help="Threads it runs with; any number by default.")] = None,
    queries_per_video: Annotated[
        float, typer.Option(help="Queries that share one encoding of their video; the cost is then an estimate.", min=1)
    ] = 1,
    plot: Annotated[Path | None, typer.Option(help="Draw the frontier into this SVG file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say which models fit a budget, the most accurate first, and how sure that is.

    A model surely fits where the whole interval of each cost is within its limit, and may fit where a part of it is.
    Times from a machine that was not quiet bound the truth from below alone. Accuracies measured with the weights that
    were timed stand apart from published ones; what a limit keeps out is said for each limit.
    """
    most = (None if latency_ms is None else latency_ms * 1e-3, None if memory_mb is None else memory_mb * 1e6)
    limits = [Limit(kind, value) for kind, value in zip(KINDS, (*most, macs, params), strict=True) if value is not None]
    if any(not 0 < limit.most < float("inf") for limit in limits):
        raise UserError("limits are positive numbers")
    place = Place(clean(dataset), clean(device), threads)
    runs = [read_run(path) for path in run] if run else [newest_at(place)]
    found = judge([cleaned(run) for run in runs], place, limits, queries_per_video)
    if plot is not None:
        _write(frontier(found).svg, plot)
    if as_json:
        print(json.dumps(document(found), indent=1, allow_nan=False))
        return
    console = terminal()
    for line in (question(found), origin(found)):
        console.print(line, markup=False, highlight=False)
    for table in tables(found):
        print_table(console, table)
    console.print()
    for line in sentences(found):
        console.print(line, markup=False, highlight=False)


def _write(svg: str, path: Path) -> None:
    try:
        with reserved(path), replacing(path) as partial:
            partial.write_text(svg, "utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None

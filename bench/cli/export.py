"""`export`: a run file in the form that a dashboard or a table of others takes."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.export.formats import FORMATS, format_named
from bench.export.output import check_out, write
from bench.export.selection import Selection, select
from bench.results import read_run
from bench.safe import one_line
from emtm.processes import reserved

_WIDTH = max(len(kind.name) for kind in FORMATS)
_LIST = "\n".join(f"{kind.name:<{_WIDTH}}  {kind.out:<6}  {kind.summary}" for kind in FORMATS)
EPILOG = (
    f"\b\nFormats, and what --out names:\n{_LIST}\n\n"
    "\b\nExamples:\n"
    "python -m bench.report export --to gab reports/runs/RUN.json --out dashboards\n"
    "python -m bench.report export --to asv reports/runs/RUN.json --out asv\n"
    "asv publish --config asv/asv.conf.json"
)


def export(
    run: Annotated[Path, typer.Argument(help="Run file.")],
    to: Annotated[str, typer.Option(help=f"Format: {', '.join(kind.name for kind in FORMATS)}.")],
    out: Annotated[Path, typer.Option(help="File or folder to write, as the format has it; asv's folder grows.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written and left out as JSON.")] = False,
) -> None:
    """Write a run file for a dashboard: github-action-benchmark, Bencher, asv, Prometheus, a CI's test view, or CSV.

    Cases without a result, and times from a machine that was not quiet, are left out or marked, never shown as 0.
    """
    kind = format_named(to)
    found = read_run(run)
    check_out(out, kind, run)
    with reserved(out):
        rendering = kind.render(found, out)
        written = write(rendering, out)
    for note in rendering.notes:
        print(note, file=sys.stderr)
    selection = select(found)
    if as_json:
        left_out = [dataclasses.asdict(item) for item in selection.left_out]
        summary = {"files": [path.as_posix() for path in written], "notes": rendering.notes, "left_out": left_out}
        print(json.dumps({**summary, "figures": len(selection.points)}, indent=1))
    else:
        _show(written, selection)


def _show(written: list[Path], selection: Selection) -> None:
    cases = {point.case.case_id for point in selection.points}
    print(f"{len(selection.points)} figures of {len(cases)} cases: {', '.join(map(str, written))}")
    reasons: dict[str, list[str]] = {}
    for item in selection.left_out:
        reasons.setdefault(item.reason, []).append(f"{item.case_id}: {item.what}")
    for reason, items in reasons.items():
        more = f" and {len(items) - 1} more" if len(items) > 1 else ""
        print(one_line(f"left out: {items[0]}{more}: {reason}"))

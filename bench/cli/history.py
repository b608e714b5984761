"""`history`: change points of every figure over many run files, and a site that shows them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bench.folder import replace_folder
from bench.history.changes import Analysis, Change, analyse
from bench.history.events import events
from bench.history.flat import FalseAlarms, false_alarms
from bench.history.folder import RunEntry, read_folder, run_paths
from bench.history.format import cause_text, commit_text, date_text
from bench.history.series import History, by_case
from bench.history.site import site_files
from bench.report.quantity import plural
from emtm.data.synthetic.progress import late_progress
from emtm.errors import ExitCode, UserError
from emtm.processes import reserved


def history(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of run files.")],
    out: Annotated[Path, typer.Option(help="Folder for the site; an older site in it is replaced.")] = Path(
        "reports/history"
    ),
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Leave out older runs, such as 2026-11-01.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the change points as JSON.")] = False,
) -> None:
    """Find the change points of every case and measure over many runs, and write a static site.

    Exit code 7 when a run file could not be read; the site is written from the others, and names it.
    """
    since_s = None if since is None else _seconds(since)
    with reserved(out):
        damaged = _history(folder, out, since_s, as_json)
    if damaged:
        raise typer.Exit(ExitCode.SCHEMA)


def _history(folder: Path, out: Path, since_s: int | None, as_json: bool) -> bool:
    """Write and show the site; whether a run file could not be read."""
    with late_progress("Reading run files", len(run_paths(folder))) as progress:
        found = by_case(read_folder(folder, since_s, progress))
    series = [(case.case_id, series) for case in found.cases for series in case.series]
    with late_progress("Looking for change points", len(series)) as progress:
        analyses = []
        for done, (case_id, one) in enumerate(series, 1):
            analyses.append(analyse(found, case_id, one))
            progress(done)
    alarms = false_alarms(analyses)
    replace_folder(site_files(found, analyses, alarms), out, "site", "runs.js")
    changes = sorted(
        (change for analysis in analyses for change in analysis.changes),
        key=lambda change: (-change.run, change.case_id, change.measure.name),
    )
    for file in found.skipped:
        print(f"{'warning' if file.damaged else 'note'}: {file.file} is left out, {file.reason}", file=sys.stderr)
    if as_json:
        print(json.dumps(_document(found, changes, alarms, out), indent=1, ensure_ascii=False))
    else:
        _show(found, analyses, alarms, out)
    return any(file.damaged for file in found.skipped)


def _seconds(date: str) -> int:
    try:
        time = datetime.fromisoformat(date)
    except ValueError:
        raise UserError(f"--since {date} is not a date such as 2026-11-01") from None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())


def _show(found: History, analyses: Sequence[Analysis], alarms: FalseAlarms, out: Path) -> None:
    first, last = found.runs[0], found.runs[-1]
    print(
        f"{plural(len(found.cases), 'case')} in {plural(len(found.runs), 'run')}, {date_text(first)} to "
        f"{date_text(last)}, in {plural(len(found.environments), 'environment')}."
    )
    for event in events(analyses):
        change = event.narrowest
        good, bad = found.runs[change.last_good], found.runs[change.first_bad]
        print(
            f"{date_text(found.runs[change.run])}  {commit_text(good)}..{commit_text(bad)}  {change.verdict.value} "
            f"{event.span}: {event.figures}{f', {why}' if (why := cause_text(change)) else ''}"
        )
    if not any(analysis.changes for analysis in analyses):
        print("No change point was found.")
    print(alarms)
    print(f"Written to {out}/: open {out / 'index.html'}")


def _document(found: History, changes: Sequence[Change], alarms: FalseAlarms, out: Path) -> dict[str, object]:
    return {
        "site": str(out / "index.html"),
        "runs": len(found.runs),
        "cases": len(found.cases),
        "environments": len(found.environments),
        "skipped": [{"file": file.file, "reason": file.reason, "damaged": file.damaged} for file in found.skipped],
        "false_alarms": {"series": alarms.series, "alarms": alarms.alarms},
        "change_points": [_change(found, change) for change in changes],
    }


def _change(found: History, change: Change) -> dict[str, object]:
    return {
        "case_id": change.case_id,
        "measure": change.measure.name,
        "unit": change.measure.unit,
        "verdict": change.verdict.value,
        "cause": change.cause,
        "environment": list(change.environment),
        "before": change.before,
        "after": change.after,
        "change_pct": 100 * change.relative,
        "p_value": change.p_value,
        "run": _run(found.runs[change.run]),
        "last_good": _run(found.runs[change.last_good]),
        "first_bad": _run(found.runs[change.first_bad]),
    }


def _run(run: RunEntry) -> dict[str, object]:
    return {"run_id": run.run_id, "commit": run.commit, "dirty": run.dirty, "date": date_text(run)}

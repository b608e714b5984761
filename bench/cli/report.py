"""`report` and `validate`: turns run files into a page, or checks them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.audit.files import read_audit
from bench.claims.section import section
from bench.consistency import read_consistent
from bench.disturbance import disturbance
from bench.missing import known
from bench.report.content.few_labels import FewLabels, read_few_labels
from bench.report.content.made import document
from bench.report.content.runs import any_run, newest
from bench.report.content.study import Study, read_study
from bench.report.content.summaries import format_of
from bench.report.document import Report, build
from bench.report.formats.folder import replace_folder, report_files
from bench.report.formats.terminal import print_table, terminal
from bench.report.sections.cells import Table
from bench.results import read_run
from emtm.distillation.few_labels import FORMAT
from emtm.errors import ExitCode
from emtm.processes import reserved


def report(
    run: Annotated[
        list[Path] | None,
        typer.Argument(help="Run files; by default the newest in reports/runs, else in reports/reference."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the report; an older report in it is replaced.")] = Path(
        "reports/latest"
    ),
    study: Annotated[
        list[Path] | None,
        typer.Option(
            help="The summary.json of `python -m emtm reproduce`: what distillation is worth. Twice for one of part of "
            "the annotation and one of another kind."
        ),
    ] = None,
    audit: Annotated[
        Path | None, typer.Option(help="What `audit --json` printed: the published costs, reproduced and exact.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 5 where most times of a run were measured on a noisy machine.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print paths and a summary as JSON.")] = False,
) -> None:
    """Write an HTML page, Markdown, CSV and figures of one run, or of several that share no case.

    A study of distillation and an audit of the published costs get sections beside the run, or a report of their own
    where there is no run.
    """
    with reserved(out):
        _report(run or [], out, study or [], audit, strict, as_json)


def _report(
    run: Sequence[Path], out: Path, study: Sequence[Path], audit: Path | None, strict: bool, as_json: bool
) -> None:
    found = [read_either(path) for path in study]
    audited = read_audit(audit) if audit else None
    paths = list(run) or ([newest()] if (not found and audited is None) or any_run() else [])
    built = build([read_run(path) for path in paths], [path.as_posix() for path in paths], found, audited, section)
    files = report_files(built)
    replace_folder(files, out)
    if as_json:
        print(json.dumps(_summary(built, paths, [out / name for name in files]), indent=1))
    else:
        _show(built, list(files), out)
    if strict and "invalid" in _verdicts(built).values():
        raise typer.Exit(ExitCode.ENVIRONMENT)


def read_either(path: Path) -> Study | FewLabels:
    """The summary of a study of distillation, of either kind; raises UserError where it is neither."""
    return read_few_labels(path) if format_of(path).startswith(FORMAT.partition("/")[0]) else read_study(path)


def validate(file: Annotated[Path, typer.Argument(help="Run file.")]) -> None:
    """Check a run file: does it follow the result schema, and does it agree with itself?

    Exit code 7 when it does not.
    """
    run = read_consistent(file)
    print(f"{file} follows {run.schema} {run.schema_version}, agrees with itself and holds {len(run.cases)} cases.")
    if how := known(run.suite.cut_off):
        print(f"The session was cut off: {how}.")


def _main_tables(built: Report) -> list[Table]:
    return [t for section in built.sections if section.headline for t in section.tables]


def _verdicts(built: Report) -> dict[str, str]:
    """Of the machine, by run id."""
    return {run.run_id: disturbance(run.cases).verdict for run in built.content.runs}


def _show(built: Report, files: Sequence[str], out: Path) -> None:
    console = terminal()
    for warning in (*built.invalid, *built.warnings):
        console.print(f"! {warning}", style="yellow", markup=False, highlight=False)
    for table in _main_tables(built):
        print_table(console, table)
    written = dict.fromkeys(name if "/" not in name else f"{name.partition('/')[0]}/" for name in files)
    console.print(f"Written to {out}/: {', '.join(written)}", markup=False, highlight=False)


def _summary(built: Report, paths: Sequence[Path], files: Sequence[Path]) -> dict[str, object]:
    status = Counter(case.status for case in built.content.cases)
    return {
        "runs": [str(path) for path in paths],
        "studies": [study.path for study in (built.content.study, built.content.few_labels) if study],
        "files": [str(path) for path in files],
        "cases": dict(sorted(status.items())),
        "trained": [
            {"model": entry.label, "dataset": contest.title, "seeds": entry.model.seeds, **document(entry.model)}
            for contest in built.content.contests
            for entry in contest.entries
        ],
        "machine": _verdicts(built),
        "warnings": list(built.warnings),
    }

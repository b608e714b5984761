"""Files of a report, written so that a reader finds the old report or the whole new one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.folder import replace_folder as replace
from bench.report.document import Report
from bench.report.formats.csv import runs_csv, study_csv
from bench.report.formats.html import report_html
from bench.report.formats.markdown import report_markdown
from bench.report.formats.tables import table_files


def report_files(report: Report) -> dict[str, bytes]:
    """Every file of the report by its path under the output folder."""
    files = {
        "report.html": report_html(report).encode(),
        "report.md": report_markdown(report).encode(),
    }
    if report.content.runs:
        files["results.csv"] = runs_csv(report.content.runs).encode()
    if report.content.study is not None:
        files["study.csv"] = study_csv(report.content.study).encode()
    for figure in report.figures:
        files[f"figures/{figure.name}.svg"] = figure.svg.encode()
        files[f"figures/{figure.name}.pdf"] = figure.pdf
        files[f"figures/{figure.name}.png"] = figure.png
    tables = table_files([table for section in report.sections for table in section.tables])
    files |= {f"tables/{name}": content for name, content in tables.items()}
    return files


def replace_folder(files: Mapping[str, bytes], out: Path) -> None:
    """Make `out` hold exactly these files.

    Raises UserError when it cannot be written, or holds something that no report has written.
    """
    replace(files, out, what="report", proof="report.html")

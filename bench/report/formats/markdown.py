"""Tables, and the whole report, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from bench.report.document import Report
from bench.report.quantity import superscript
from bench.report.sections.cells import Table, marked
from bench.report.sections.section import Section


def report_markdown(report: Report) -> str:
    """The whole report; figures are linked from `figures/`."""
    parts = [f"# {report.title}"]
    if report.warnings:
        parts += ["## Read this first", _bullets(report.warnings)]
    if report.cards:
        parts += ["## Environment", *(_facts(facts) for facts in report.cards)]
    parts += ["## What the numbers do not say", _bullets(report.limits)]
    parts += ["## How they were measured", _bullets(report.protocol)]
    parts += [part for section in report.sections for part in _section(section)]
    parts += ["## Repeat it", "```console\n" + "\n".join(report.commands) + "\n```"]
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> list[str]:
    pictures = [f"![{figure.alt}](figures/{figure.name}.svg)\n\n{figure.caption}" for figure in section.figures]
    return [f"## {section.title}", *pictures, *(table_markdown(table) for table in section.tables)]


def table_markdown(table: Table) -> str:
    """Heading, caption, the table itself and its footnotes."""
    rows, notes = marked(table)
    align = ["right" if all(row[i].numeric for row in rows) else "left" for i in range(len(table.headers))]
    body = tabulate(
        [[_escaped(cell.plain) for cell in row] for row in rows],
        headers=[_escaped(header) for header in table.headers],
        tablefmt="pipe",
        colalign=align,
        disable_numparse=True,
    )
    footnotes = "  \n".join(f"{superscript(i)} {note}" for i, note in enumerate(notes, 1))
    return "\n\n".join(part for part in (f"### {table.title}", table.caption, body, footnotes) if part)


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    rows = [[_escaped(label), _escaped(value)] for label, value in facts]
    return tabulate(rows, headers=["", ""], tablefmt="pipe", disable_numparse=True)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")

"""Tables, and the whole report, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from bench.report.document import TRUST, Part, Report
from bench.report.quantity import superscript
from bench.report.sections.cells import Table, marked
from bench.report.sections.section import Section
from bench.safe import markdown, markdown_alt, markdown_cell, markdown_fence, markdown_paragraph


def report_markdown(report: Report) -> str:
    """The whole report; figures are linked from `figures/`."""
    parts = [f"**{markdown(line)}**" for line in report.invalid]
    parts += [f"# {markdown(report.title)}"]
    if report.warnings:
        parts += ["## Read this first", _bullets(report.warnings)]
    parts += [text for part in report.parts for text in _part(part, report)]
    parts += ["## How do I redo it?", markdown_fence(report.commands)]
    return "\n\n".join(parts) + "\n"


def _part(part: Part, report: Report) -> list[str]:
    found = [f"## {markdown(part.title)}", *(text for section in part.sections for text in _section(section))]
    if part.key == TRUST:
        found += ["### What the numbers do not say", _bullets(report.limits)]
        found += ["### How they were measured", _bullets(report.protocol)]
        found += ["### Where they were measured", *(_facts(facts) for facts in report.cards)] if report.cards else []
    return found


def _section(section: Section) -> list[str]:
    pictures = [
        f"![{markdown_alt(figure.alt)}](figures/{figure.name}.svg)\n\n{markdown_paragraph(figure.caption)}"
        for figure in section.figures
    ]
    tables = (table_markdown(table, level=4) for table in section.tables)
    return [f"### {markdown(section.title)}", *pictures, *tables]


def table_markdown(table: Table, level: int = 3) -> str:
    """Heading of a level, caption, the table itself and its footnotes."""
    rows, notes = marked(table)
    align = ["right" if all(row[i].numeric for row in rows) else "left" for i in range(len(table.headers))]
    body = tabulate(
        [[markdown_cell(cell.plain) for cell in row] for row in rows],
        headers=[markdown_cell(header) for header in table.headers],
        tablefmt="pipe",
        colalign=align,
        disable_numparse=True,
    )
    footnotes = "  \n".join(f"{superscript(i)} {markdown(note)}" for i, note in enumerate(notes, 1))
    parts = (f"{'#' * level} {markdown(table.title)}", markdown_paragraph(table.caption), body, footnotes)
    return "\n\n".join(part for part in parts if part)


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    rows = [[markdown_cell(label), markdown_cell(value)] for label, value in facts]
    return tabulate(rows, headers=["", ""], tablefmt="pipe", disable_numparse=True)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {markdown_paragraph(line)}" for line in lines)

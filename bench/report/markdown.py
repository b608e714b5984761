"""Tables, and the whole report, as Markdown."""

from __future__ import annotations

from tabulate import tabulate

from bench.report.cells import Table, marked
from bench.report.quantity import superscript


def table_markdown(table: Table) -> str:
    """Heading, caption, the table itself and its footnotes."""
    rows, notes = marked(table)
    align = ["right" if all(row[i].numeric for row in rows) else "left" for i in range(len(table.headers))]
    body = tabulate(
        [[_escaped(cell.plain) for cell in row] for row in rows],
        headers=[_escaped(header) for header in table.headers],
        tablefmt="pipe",
        colalign=align if rows else None,
        disable_numparse=True,
    )
    footnotes = "  \n".join(f"{superscript(i)} {note}" for i, note in enumerate(notes, 1))
    return "\n\n".join(part for part in (f"### {table.title}", table.caption, body, footnotes) if part)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")

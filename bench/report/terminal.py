"""Tables in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from bench.report.cells import Table, marked
from bench.report.quantity import superscript


def print_table(console: Console, table: Table) -> None:
    """Print a table with its caption and footnotes."""
    rows, notes = marked(table)
    drawn = RichTable(title=Text(table.title, style="bold"), title_justify="left", box=None, header_style="bold")
    for i, header in enumerate(table.headers):
        drawn.add_column(Text(header), justify="right" if all(row[i].numeric for row in rows) else "left")
    for i, row in enumerate(rows):
        style = "dim" if table.rule_before is not None and i >= table.rule_before else None
        drawn.add_row(*(Text(cell.plain) for cell in row), style=style)
    console.print()
    console.print(drawn)
    for line in (table.caption, *(f"{superscript(i)} {note}" for i, note in enumerate(notes, 1))):
        console.print(Text(line, style="dim"))

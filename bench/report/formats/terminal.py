"""Tables in the terminal: as many columns as fit, unbroken."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from bench.report.quantity import superscript
from bench.report.sections.cells import Table, marked
from emtm.metrics.metric import HEADLINE, METRICS, MIOU, SHORT_LIST

_SPARE = [f"{metric.title} (%)" for metric in METRICS if metric not in SHORT_LIST]
_FIRST_TO_GO = (
    *(
        "What speaks for it",
        "What is claimed",
        "Evidence",
        "Rank printed",
        "Rank exact",
        "Params reproduced",
        "Params printed",
        "Needed of it",
        "Settings",
    ),
    *("What it is", "FLOPs", "p90", "Clips", "Params", *_SPARE[:-1], f"{HEADLINE.title} 95 % CI", "× GEMM floor"),
    *(*_SPARE[-1:], "fvcore MACs (coverage)", "Seeds", "Peak memory", "Trainable", "Throughput at knee", "MACs"),
    f"{MIOU.title} (%)",
)
"""The columns that a narrow terminal goes without, the most dispensable first; the page has them all."""
_GAP = 2


_PIPE_WIDTH = 300
"""Output into a file or a pipe has no edge to break lines at."""


def terminal() -> Console:
    """The user's terminal, or a very wide one where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=_PIPE_WIDTH)


def print_table(console: Console, table: Table) -> None:
    """Print a table with its caption and footnotes; what is not a terminal gets all columns."""
    left_out: list[str] = []
    if console.is_terminal:
        table, left_out = _fitting(table, console.width)
    rows, notes = marked(table)
    drawn = RichTable(title=Text(table.title, style="bold"), title_justify="left", box=None, header_style="bold")
    for i, header in enumerate(table.headers):
        numeric = all(row[i].numeric for row in rows)
        drawn.add_column(Text(header), justify="right" if numeric else "left", no_wrap=True)
    for at, row in enumerate(rows):
        below = table.rule_before is not None and at >= table.rule_before
        style = "dim" if below or table.noisy(table.rows[at]) else None
        drawn.add_row(*(Text(cell.plain) for cell in row), style=style)
    lines = [table.caption, *(f"{superscript(i)} {note}" for i, note in enumerate(notes, 1))]
    lines += [f"Not shown: {', '.join(left_out)}."] if left_out else []
    console.print()
    console.print(drawn)
    for line in lines:
        console.print(Text(line, style="dim"))


def _fitting(table: Table, width: int) -> tuple[Table, list[str]]:
    """The table without the columns that it must lose to be no wider than `width`, and their headings."""
    left_out: list[str] = []
    for name in _FIRST_TO_GO:
        if _width(table) <= width:
            break
        if name in table.headers:
            table = _without(table, table.headers.index(name))
            left_out.append(name)
    return table, left_out


def _without(table: Table, column: int) -> Table:
    headers = table.headers[:column] + table.headers[column + 1 :]
    return replace(table, headers=headers, rows=tuple(row[:column] + row[column + 1 :] for row in table.rows))


def _width(table: Table) -> int:
    rows, _ = marked(table)
    columns = range(len(table.headers))
    return sum(max(len(table.headers[i]), *(len(row[i].plain) for row in rows)) + _GAP for i in columns)

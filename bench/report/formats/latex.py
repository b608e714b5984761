"""Tables as LaTeX, in the manner of the booktabs package."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.quantity import superscript
from bench.report.sections.cells import MarkedCell, Table, marked
from bench.safe import latex


def table_latex(table: Table) -> str:
    """A floating table that needs `\\usepackage{booktabs}`; footnotes stand below it."""
    rows, notes = marked(table)
    align = "".join("r" if all(row[i].numeric for row in rows) else "l" for i in range(len(table.headers)))
    split = len(rows) if table.rule_before is None else table.rule_before
    lines = [
        r"\begin{table}",
        rf"\caption{{{latex(_sentence(table.title))} {latex(table.caption)}}}",
        r"\centering",
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        _row([latex(header) for header in table.headers]),
        r"\midrule",
        *(_row([_cell(cell) for cell in row]) for row in rows[:split]),
        *([r"\midrule", *(_row([_cell(cell) for cell in row]) for row in rows[split:])] if rows[split:] else []),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\footnotesize {latex(superscript(i))} {latex(note)}" for i, note in enumerate(notes, 1)),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _sentence(title: str) -> str:
    return title if title.endswith((".", "?", "!")) else f"{title}."


def _cell(cell: MarkedCell) -> str:
    return latex(cell.plain)


def _row(cells: Sequence[str]) -> str:
    return rf"{' & '.join(cells)} \\"

"""Each table of a report in the formats that are carried elsewhere: LaTeX, Markdown and CSV."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.report.formats.csv import tables_csv
from bench.report.formats.latex import table_latex
from bench.report.formats.markdown import table_markdown
from bench.report.sections.cells import Table
from bench.safe import file_stems


@dataclass(frozen=True, slots=True)
class TableFormat:
    """A format of one table: its name, the ending of its files, and how it is written."""

    name: str
    ending: str
    write: Callable[[Table], str]


TABLE_FORMATS = (
    TableFormat("LaTeX", "tex", table_latex),
    TableFormat("Markdown", "md", lambda table: f"{table_markdown(table)}\n"),
    TableFormat("CSV", "csv", lambda table: tables_csv([table])),
)


def table_names(tables: Sequence[Table]) -> list[str]:
    """Stems of the tables' files, no two alike."""
    return file_stems([_PLAIN.sub("-", table.title.lower()).strip("-") for table in tables])


_PLAIN = re.compile(r"[^a-z0-9]+")


def table_files(tables: Sequence[Table]) -> dict[str, bytes]:
    """All tables in all formats, by file name."""
    return {
        f"{name}.{kind.ending}": kind.write(table).encode()
        for name, table in zip(table_names(tables), tables, strict=True)
        for kind in TABLE_FORMATS
    }

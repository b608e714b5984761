"""What a table holds: cells that show a text, sort by a value, and say why they are empty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.missing import Missing
from bench.record import Interval
from bench.report.content.subject import Subject
from bench.report.quantity import DASH, digits, interval, prefix, superscript


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, what it sorts by, and a footnote."""

    text: str
    sort: float | str | None = None
    note: str | None = None
    subject: Subject | None = None
    """What the row is about, in the cell that names it."""

    @property
    def numeric(self) -> bool:
        """Does the cell hold a number, or stand for a missing one?"""
        return not isinstance(self.sort, str)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption; `rule_before` is the row above which a line is drawn.

    Where a table has `timed` columns, the rows of what a noisy machine timed are marked, and stand in no order of them.
    """

    title: str
    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    rule_before: int | None = None
    timed: frozenset[str] = frozenset()
    """Headings of the columns that hold times, or what is made of them."""

    def noisy(self, row: Sequence[Cell]) -> bool:
        """Is the row marked, since its times may be too long?"""
        return bool(self.timed) and any(cell.subject is not None and cell.subject.noisy for cell in row)


@dataclass(frozen=True, slots=True)
class MarkedCell:
    """A cell whose footnote has become a number."""

    text: str
    mark: str
    sort: float | str | None
    numeric: bool

    @property
    def plain(self) -> str:
        """Text and superscript mark together."""
        return f"{self.text}{self.mark}"


def marked(table: Table) -> tuple[list[list[MarkedCell]], list[str]]:
    """The rows with footnotes numbered in reading order, and the footnotes."""
    numbers: dict[str, int] = {}

    def mark(cell: Cell) -> str:
        found = [cell.note] if cell.note is not None else []
        found += [NOISY] if table.timed and cell.subject is not None and cell.subject.noisy else []
        return "\u2009".join(superscript(numbers.setdefault(note, len(numbers) + 1)) for note in found)

    rows = [[MarkedCell(c.text, mark(c), c.sort, c.numeric) for c in row] for row in table.rows]
    return rows, list(numbers)


NOISY = "measured while the machine was noisy: its times may be too long, and stand in no front, knee or order"


def text(value: str) -> Cell:
    """A cell that sorts by its letters."""
    return Cell(value, value)


def about(subject: Subject, note: str | None = None) -> Cell:
    """The name of what a row is about."""
    return Cell(subject.label, subject.label, note, subject)


def empty(why: str) -> Cell:
    """A missing value, with the reason as its footnote."""
    return Cell(DASH, None, why)


def measured(value: float | Missing, show: Callable[[float], str]) -> Cell:
    """The value, or a dash that says why there is none."""
    return empty(value.reason) if isinstance(value, Missing) else Cell(show(value), float(value))


def timed(seconds: float | Missing, bounds: Interval | Missing) -> Cell:
    """A time and its interval, both in the time's unit."""
    if isinstance(seconds, Missing):
        return empty(seconds.reason)
    factor, letter = prefix(seconds)
    written = digits(seconds / factor)
    if isinstance(bounds, Missing):
        return Cell(f"{written} {letter}s", seconds, f"no interval: {bounds.reason}")
    return Cell(f"{written} {interval(*bounds, seconds)} {letter}s", seconds)

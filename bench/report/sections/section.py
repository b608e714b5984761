"""One section of the document."""

from __future__ import annotations

from dataclasses import dataclass

from bench.report.figures.style import Figure
from bench.report.sections.cells import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with figures and tables; one without either is left out of the report."""

    key: str
    """Names it in addresses within the page."""
    title: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    headline: bool = False
    """Are its tables among those that a terminal shows?"""
    opened: int = 0
    """Tables that a page shows at once; the others wait behind a line. A headline's, and one that is alone, all do."""
    limits: tuple[str, ...] = ()
    """What its numbers do not say."""
    protocol: tuple[str, ...] = ()
    """How they were obtained."""
    commands: tuple[str, ...] = ()
    """What makes its files again."""

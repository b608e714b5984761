"""How accurate the models are, beyond one mean: by kind of query, and beside what others published."""

from __future__ import annotations

from bench.report.content.content import Content
from bench.report.sections.accuracy_by_kind import kind_tables
from bench.report.sections.accuracy_published import published_tables
from bench.report.sections.section import Section


def section(content: Content) -> Section:
    """Accuracy by kind of query, then what others published."""
    return Section(
        key="accuracy",
        title="By kind of query, and beside what others published",
        tables=(*kind_tables(content), *published_tables(content)),
        headline=True,
    )

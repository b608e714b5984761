"""Accuracy by kind of query: where a mean hides that a model fails at what is hard."""

from __future__ import annotations

from bench.missing import Missing
from bench.report.content.content import Content
from bench.report.content.standings import Contest, kinds_of
from bench.report.content.subject import of_model
from bench.report.sections.cells import Cell, Table, about, empty
from emtm.metrics.metric import HEADLINE, HEADLINE_OF_FIVE


def kind_tables(content: Content) -> list[Table]:
    """One table a dataset and protocol whose queries are of several kinds."""
    return [_table(contest) for contest in content.kind_contests]


def _table(contest: Contest) -> Table:
    counts = kinds_of(contest)
    return Table(
        title=f"Kinds of queries on {contest.title}",
        caption=f"{HEADLINE.title}, mean over seeds. An ordinal query asks for the first or second of two like events; "
        f"a composite one spans two events. {HEADLINE_OF_FIVE.title} counts a hit among the first five moments.",
        headers=(
            "Model",
            *(f"{kind}, {count:.0f} queries (%)" for kind, count in counts.items()),
            f"All: {HEADLINE_OF_FIVE.title} (%)",
        ),
        rows=tuple(
            (
                about(of_model(entry.label, entry.model)),
                *(_percent(entry.model.kinds[kind].headline if kind in entry.model.kinds else None) for kind in counts),
                _percent(entry.model.recall5),
            )
            for entry in contest.entries
        ),
    )


def _percent(value: float | Missing | None) -> Cell:
    known = None if isinstance(value, Missing) else value
    return empty("not in the run file") if known is None else Cell(f"{known:.1f}", known)

"""What others published on the test sets of a report: tables of their own, every figure marked."""

from __future__ import annotations

from bench.report.content.content import Content
from bench.report.sections.cells import Cell, Table, text
from emtm.metrics.metric import METRICS
from emtm.metrics.published import LEGEND, published


def published_tables(content: Content) -> list[Table]:
    """One table for each official test set that the report has accuracies of; none where one bears its name only."""
    official = {model.scope.dataset: True for model in content.trained}
    for model in content.trained:
        official[model.scope.dataset] &= model.official and not model.scope.synthetic
    return [_table(dataset) for dataset in sorted(official) if official[dataset] and published(dataset)]


def _table(dataset: str) -> Table:
    entries = published(dataset)
    metrics = [metric for metric in METRICS if any(metric.of(entry) is not None for entry in entries)]
    rows = []
    for entry in entries:
        figures = (Cell(shown, m.of(entry)) for m, shown in zip(metrics, entry.cells(metrics), strict=True))
        name = f"{entry.model} ({entry.note})" if entry.note else entry.model
        rows.append((text(name), text(entry.split), text(entry.features), *figures, text(entry.source)))
    return Table(
        title=f"Published on {dataset}, not measured here",
        caption=f"{LEGEND[0].upper()}{LEGEND[1:]}. Figures on other splits or features do not compare with the above.",
        headers=("Model", "Tested on", "Features", *(f"{metric.title} (%)" for metric in metrics), "Source"),
        rows=tuple(rows),
    )

"""What a study by folds found, in tables of its own, apart from official splits, generated data and publications."""

from __future__ import annotations

from bench.report.content.folds import Clustered, Folds
from bench.report.content.study import Study, Variant
from bench.report.quantity import duration
from bench.report.sections.cells import Cell, Table, empty, text
from emtm.metrics.metric import SHORT_LIST, Metric


def fold_tables(study: Study, folds: Folds) -> list[Table]:
    """Every row against the floors and the student alone, then all pairs of rows."""
    return [_row_table(study, folds), *([_pair_table(study, folds)] if folds.pairs else [])]


def _row_table(study: Study, folds: Folds) -> Table:
    metrics = study.metrics
    return Table(
        title=f"Models on {study.title}",
        caption=f"{study.queries:,} queries, each tested once, by models that saw nothing of its video; best epochs "
        "are chosen on videos apart from both. Mean over seeds [95 % interval over resampled videos]; differences are "
        "in percentage points, paired by query; the best floor is that of the metric, learned in each fold on its "
        f"training part. Features: {folds.source}. Not the official split: no published figure compares.",
        headers=(
            *("Model", "Seeds"),
            *(f"{metric.title} (%)" for metric in metrics),
            *(f"{metric.title} over best floor" for metric in SHORT_LIST),
            *(f"{metric.title} over student alone" for metric in SHORT_LIST),
            *("Training", "What it is"),
        ),
        rows=(*(_row(study, folds, row) for row in study.rows), *_floor_rows(study)),
        rule_before=len(study.rows),
    )


def _row(study: Study, folds: Folds, row: Variant) -> tuple[Cell, ...]:
    found = folds.rows[row.name]
    return (
        text(row.name),
        Cell(str(len(row.seeds)), float(len(row.seeds))),
        *(_cell(found[metric].value) for metric in study.metrics),
        *(_cell(found[m].over_best_floor, "+", f"the best floor is {found[m].best_floor}") for m in SHORT_LIST),
        *(_over_alone(study, row, found[metric].over_alone) for metric in SHORT_LIST),
        Cell(duration(row.training_s), row.training_s),
        text(row.what),
    )


def _over_alone(study: Study, row: Variant, found: Clustered | None) -> Cell:
    if row.kind == "alone":
        return Cell("")
    return empty("the study has no student alone") if found is None else _cell(found, "+")


def _floor_rows(study: Study) -> list[tuple[Cell, ...]]:
    blank = Cell("")

    def percent(value: float | None) -> Cell:
        return blank if value is None else Cell(f"{value:.1f}", value)

    between = [blank] * (2 * len(SHORT_LIST) + 1)
    return [
        (
            *(text(f"floor: {name}"), blank),
            *(percent(floor.get(metric)) for metric in study.metrics),
            *(*between, text("what can be reached without grounding")),
        )
        for name, floor in study.floors.items()
    ]


def _pair_table(study: Study, folds: Folds) -> Table:
    def cells(differences: dict[Metric, Clustered]) -> list[Cell]:
        return [_cell(differences[metric], "+") for metric in SHORT_LIST]

    return Table(
        title=f"Every two models on {study.title}",
        caption="Differences in percentage points, paired by query, mean over seeds [95 % interval over resampled "
        "videos], each by itself: the more pairs, the likelier that one stands out by chance.",
        headers=("Model", "Over", *(metric.title for metric in SHORT_LIST)),
        rows=tuple((text(pair.row), text(pair.over), *cells(dict(pair.differences))) for pair in folds.pairs),
    )


def _cell(found: Clustered, sign: str = "", note: str | None = None) -> Cell:
    if found.ci95 is None:
        return Cell(f"{found.mean:{sign}.1f}", found.mean, "no interval: there is one video")
    low, high = found.ci95
    shown = f"{found.mean:{sign}.1f} [{low:{sign}.1f}, {high:{sign}.1f}]"
    chance = "the interval holds zero: no difference is shown" if sign and not found.sign else None
    return Cell(shown, found.mean, "; ".join(filter(None, (note, chance))) or None)

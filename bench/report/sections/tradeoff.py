"""What the trained models achieve, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence

from bench.missing import ABSENT, Missing, known
from bench.report.content import made
from bench.report.content.content import Content
from bench.report.content.seeds import Spread, Trained
from bench.report.content.standings import Contest, Entry
from bench.report.content.subject import of_model
from bench.report.figures.pareto import pareto_figures
from bench.report.quantity import byte_size, points, si
from bench.report.sections.cells import Cell, Table, about, empty, measured, text, timed
from bench.report.sections.section import Section
from emtm.metrics.metric import HEADLINE, Metric


def section(content: Content) -> Section:
    """Accuracy against cost."""
    return Section(
        key="tradeoff",
        title="Accuracy against cost",
        figures=tuple(pareto_figures(content.tradeoffs)),
        tables=tuple(accuracy_tables(content)),
        headline=True,
    )


def accuracy_tables(content: Content) -> list[Table]:
    """One table a dataset and protocol: accuracy of the trained runs, their cost, and the floors."""
    return [_accuracy_table(contest) for contest in content.contests]


_LATENCY = "Latency p50 [99 % CI]"


def _accuracy_table(contest: Contest) -> Table:
    metrics = contest.metrics
    told = any(not isinstance(entry.model.provenance, Missing) for entry in contest.entries)
    origin = ("Teachers", "Recipe") if told else ()
    best = max((entry.model for entry in contest.entries), key=lambda model: len(known(model.floors) or ()))
    return Table(
        title=f"Accuracy and cost on {contest.title}",
        caption=f"Split {contest.split} of {best.queries} queries, {contest.protocol} protocol. "
        "A mean over seeds, then (lowest–highest seed); "
        "the interval is the envelope of the seeds' 95 % intervals over queries; "
        f"the gain is in percentage points of {HEADLINE.title} over the best floor."
        + (f" Data: {'; '.join(best.notes)}." if best.notes else ""),
        headers=(
            *("Model", "Seeds", *(f"{metric.title} (%)" for metric in metrics), f"{HEADLINE.title} 95 % CI"),
            *("Gain over floor", "Trainable", "MACs", _LATENCY, "Peak memory", *origin),
        ),
        rows=(
            *((*_accuracy_row(entry, metrics), *_made(entry.model)[: len(origin)]) for entry in contest.entries),
            *((*row, *[Cell("")] * len(origin)) for row in _floor_rows(best, metrics)),
        ),
        rule_before=len(contest.entries),
        timed=frozenset({_LATENCY}),
    )


def _accuracy_row(entry: Entry, metrics: Sequence[Metric]) -> tuple[Cell, ...]:
    model = entry.model
    return (
        about(of_model(entry.label, model)),
        Cell(str(model.seeds), float(model.seeds)),
        *(_mean(model, metric) for metric in metrics),
        _bounds(model.accuracy.get(HEADLINE)),
        _gain(model, HEADLINE),
        measured(model.trainable, si),
        measured(model.macs, si),
        timed(model.latency_s, model.latency_ci99_s),
        measured(model.tensor_peak_bytes, byte_size),
    )


def _made(model: Trained) -> tuple[Cell, Cell]:
    """Whose labels it learned from, by hash in a footnote, and how it was trained."""
    teachers, recipe, hashes = made.teachers(model), made.recipe(model), made.hashes(model)
    if isinstance(teachers, Missing) or isinstance(recipe, Missing):
        return empty(made.NOT_SAID.reason), empty(made.NOT_SAID.reason)
    return Cell(teachers, teachers, f"taught by {hashes}" if hashes else None), text(recipe)


def _mean(model: Trained, metric: Metric) -> Cell:
    found = model.accuracy.get(metric)
    if found is None:
        return empty(ABSENT.reason)
    spread = f" ({found.lowest:.1f}–{found.highest:.1f})" if model.seeds > 1 else ""
    return Cell(f"{found.mean:.1f}{spread}", found.mean)


def _bounds(found: Spread | None) -> Cell:
    return empty(ABSENT.reason) if found is None else Cell(f"[{found.low:.1f}, {found.high:.1f}]", found.low)


def _gain(model: Trained, metric: Metric) -> Cell:
    found, floor = model.accuracy.get(metric), model.best_floor(metric)
    if found is None or isinstance(floor, Missing):
        return empty(ABSENT.reason if isinstance(floor, tuple) else floor.reason)
    name, reached = floor
    note = f"the interval reaches the {name} floor: no gain is shown" if found.low <= reached else None
    return Cell(points(found.mean - reached), found.mean - reached, note)


def _floor_rows(model: Trained, metrics: Sequence[Metric]) -> tuple[tuple[Cell, ...], ...]:
    blank = Cell("")
    return tuple(
        (
            text(f"floor: {floor.name}"),
            blank,
            *(Cell(f"{floor.percent[m]:.1f}", floor.percent[m]) if m in floor.percent else blank for m in metrics),
            *([blank] * 6),
        )
        for floor in known(model.floors) or ()
    )

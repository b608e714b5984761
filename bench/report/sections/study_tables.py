"""What a study of EMTM found, in tables: the teachers, the variants, the weights of the teachers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.report.content.study import BOUNDARIES, Aggregation, Study, Variant
from bench.report.quantity import duration, plus_minus, ratio
from bench.report.sections.cells import Cell, Table, empty, text
from bench.report.sections.fold_tables import fold_tables
from emtm.metrics.metric import SHORT_LIST, Metric
from emtm.metrics.paired import MeanInterval, paired_difference


def study_tables(study: Study) -> list[Table]:
    """Teachers first, because what they know bounds what can be passed on."""
    teachers = [_teacher_table(study)] if study.teachers else []
    if study.folds is not None:
        return [*teachers, *fold_tables(study, study.folds)]
    compared = [row for row in study.rows if row.kind == "variant" and row is not study.control]
    controlled = [_control_table(study, study.control, compared)] if study.control and compared else []
    weights = [_weight_table(study, study.aggregation)] if study.aggregation else []
    return [*teachers, _variant_table(study), *controlled, *weights]


def _teacher_table(study: Study) -> Table:
    each = "" if study.folds is None else " in each fold"
    return Table(
        title=f"Teachers on {study.title}",
        caption=f"Each is trained once{each}, and asked for the start and end of every training query. Its accuracy on "
        f"these is that of the labels the student learns from; {study.split} is the split of the table below.",
        headers=("Teacher", "Model", *(f"{m.title} {s} (%)" for m in SHORT_LIST for s in (study.split, "train"))),
        rows=tuple(
            (
                text(teacher.name),
                text(teacher.model),
                *(Cell(f"{split[m]:.1f}", split[m]) for m in SHORT_LIST for split in (teacher.test, teacher.train)),
            )
            for teacher in study.teachers
        ),
    )


def _variant_table(study: Study) -> Table:
    taught = any(row.kind == "variant" for row in study.rows)
    pull = (
        " The gradient ratio compares the pull of the distillation's loss on the trained student's logits with that of "
        "its hard loss, on training queries: at 1 both pull alike, near 0 nothing is distilled."
    )
    return Table(
        title=f"{'EMTM and what its parts are worth' if taught else 'Models side by side'} on {study.title}",
        caption=f"Split {study.split} of {study.queries} queries. Mean over seeds ± half the width "
        f"of its 95 % interval (Student's t); gains are in percentage points, paired by seed.{pull if taught else ''}",
        headers=(
            *("Variant" if taught else "Model", "Seeds"),
            *(header for m in SHORT_LIST for header in (f"{m.title} (%)", f"{m.title} over student alone")),
            *(("Gradient ratio",) if taught else ()),
            *("Training", "What it is"),
        ),
        rows=(*(_variant_row(study, row, taught) for row in study.rows), *_floor_rows(study, taught)),
        rule_before=len(study.rows),
    )


def _variant_row(study: Study, row: Variant, taught: bool) -> tuple[Cell, ...]:
    return (
        text(row.name),
        Cell(str(len(row.seeds)), float(len(row.seeds))),
        *(cell for m in SHORT_LIST for cell in (_estimate(row.measures[m].estimate), _gain(study, row, m))),
        *((_ratio(row),) if taught else ()),
        Cell(duration(row.training_s), row.training_s),
        text(row.what),
    )


def _control_table(study: Study, control: Variant, rows: Sequence[Variant]) -> Table:
    return Table(
        title=f"What teachers add to smoothed annotations on {study.title}",
        caption=f"Gains over {control.name}, which learns from the annotation's own boundaries, smoothed, instead of "
        "from teachers: what is left is knowledge that the annotation does not hold. In percentage points, paired by "
        "seed, with half the width of the 95 % interval.",
        headers=("Variant", *(f"{metric.title} over the control" for metric in study.metrics)),
        rows=tuple((text(row.name), *(_over(control, row, metric) for metric in study.metrics)) for row in rows),
    )


def _over(control: Variant, row: Variant, metric: Metric) -> Cell:
    found = paired_difference(row.measures[metric].values, control.measures[metric].values)
    return gain_cell(found)


def _estimate(estimate: MeanInterval) -> Cell:
    return Cell(plus_minus(estimate.mean, estimate.half_width), estimate.mean)


def _gain(study: Study, row: Variant, metric: Metric) -> Cell:
    gain = row.measures[metric].gain
    if row.kind == "alone":
        return Cell("")
    if gain is None and study.alone is None:
        return empty("the study has no student alone")
    return gain_cell(gain)


def gain_cell(gain: MeanInterval | None) -> Cell:
    """A gain with half the width of its interval; a footnote where it may be none."""
    if gain is None:
        return empty("no seed in common with it")
    note = None
    if gain.half_width is None:
        note = "one seed, no interval: it may be chance"
    elif gain.sign == 0:
        note = "the interval holds zero: no difference is shown"
    return Cell(plus_minus(gain.mean, gain.half_width, "+"), gain.mean, note)


def _ratio(row: Variant) -> Cell:
    if row.gradient_ratio is None:
        return empty("not taught by teachers' labels")
    return Cell(ratio(row.gradient_ratio), row.gradient_ratio)


def _floor_rows(study: Study, taught: bool) -> tuple[tuple[Cell, ...], ...]:
    blank = Cell("")
    return tuple(
        (
            text(f"floor: {name}"),
            blank,
            *(cell for m in SHORT_LIST for cell in (_percent(floor.get(m)), blank)),
            *((blank,) if taught else ()),
            *(blank, text("what can be reached without grounding")),
        )
        for name, floor in study.floors.items()
    )


def _percent(value: float | None) -> Cell:
    return Cell("") if value is None else Cell(f"{value:.1f}", value)


def _weight_table(study: Study, found: Aggregation) -> Table:
    """Mean and spread of the weights, and how often each teacher is the most trusted."""
    ranges = np.percentile(found.weights, [5, 95], axis=0)
    first = found.weights == found.weights.max(1, keepdims=True)
    trusted = first / first.sum(1, keepdims=True)
    return Table(
        title=f"How much each teacher is trusted on {study.title}",
        caption=f"Weights of the teachers over the {len(found.weights)} queries of split "
        f"{found.split}, in the whole method's first seed: mean [5th to 95th percentile]; equal trust is "
        f"{1 / len(found.teachers):.2f}. Trusted most: the share of queries in which it weighs most; equals share.",
        headers=("Teacher", *(header for b in BOUNDARIES for header in (f"Weight, {b}", f"Trusted most, {b}"))),
        rows=tuple(
            (
                text(name),
                *(
                    cell
                    for i in range(2)
                    for cell in (
                        _weight(found.weights[:, k, i].mean(), ranges[0, k, i], ranges[1, k, i]),
                        _share(float(trusted[:, k, i].mean())),
                    )
                ),
            )
            for k, name in enumerate(found.teachers)
        ),
    )


def _weight(mean: float, low: float, high: float) -> Cell:
    return Cell(f"{mean:.2f} [{low:.2f}, {high:.2f}]", float(mean))


def _share(share: float) -> Cell:
    return Cell(f"{100 * share:.0f} %", share)

"""What a point of accuracy costs in training: teachers, their labels and the student, in seconds."""

from __future__ import annotations

import math

from bench.missing import Missing, of
from bench.report.content.content import Content
from bench.report.content.study import Study, Variant
from bench.report.content.training_cost import Bill, Bills, Over, PerPoint, bills
from bench.report.quantity import duration
from bench.report.sections.cells import Cell, Table, empty, measured, text
from bench.report.sections.section import Section
from bench.report.sections.study_tables import gain_cell
from emtm.metrics.metric import HEADLINE


def section(content: Content) -> Section:
    """Nothing without a study of teachers."""
    key, title, study = "training-cost", "Training cost per point gained", content.study
    found = None if study is None else bills(study)
    if study is None or found is None:
        return Section(key=key, title=title)
    return Section(
        key=key,
        title=title,
        tables=(training_cost_table(study, found),),
        limits=(_LIMIT,),
    )


_LIMIT = (
    "Seconds of training are wall-clock, of one machine and of whatever else ran beside: they say what this study "
    "took, not what another machine takes. Intervals of seconds a point hold the spread of the gain alone, not that of "
    "the seconds; the control is the best of those there are, chosen after the fact."
)


def training_cost_table(study: Study, found: Bills) -> Table:
    """One row a variant that has teachers."""
    control = found.control
    return Table(
        title=f"Seconds of training per point of {HEADLINE.title} gained on {study.title}",
        caption=_caption(study.alone, found),
        headers=(
            *("Variant", "Teachers", "Their labels", "One student (longer than alone)"),
            *("All, beyond the student alone", "Points over it", "Per point [95 % CI]"),
            *(_over_headers(control.name) if control else ()),
        ),
        rows=tuple(_row(bill, study.alone, found) for bill in found.rows),
    )


def _over_headers(name: str) -> tuple[str, str, str]:
    return f"All, beyond {name}", f"Points over {name}", f"Per point over {name} [95 % CI]"


def _caption(alone: Variant | None, found: Bills) -> str:
    where = f" ({' and '.join(found.devices)})" if found.devices else " (on which device is not in the summary)"
    beside = f" The student alone takes {duration(alone.training_s)}." if alone else ""
    control = found.control
    other = (
        f" {control.name} is the most accurate way here to train without a teacher ({duration(control.training_s)})."
        if control
        else ""
    )
    return (
        f"Wall-clock seconds of one machine{where}: every teacher that the variant needs, its labels of the training "
        f"queries, and one student, mean over seeds.{beside}{other} Each row pays for its teachers in full, though one "
        "set serves all rows and seeds. Gains are paired by seed, with half the width of the 95 % interval."
    )


def _row(bill: Bill, alone: Variant | None, found: Bills) -> tuple[Cell, ...]:
    student = bill.variant.training_s
    longer = "" if alone is None else f" ({_signed(student - alone.training_s)})"
    return (
        text(bill.variant.name),
        measured(bill.teachers_s, duration),
        measured(bill.labels_s, duration),
        Cell(f"{duration(student)}{longer}", student),
        *_over(bill.over_alone),
        *(_over(bill.over_control) if found.control else ()),
    )


def _signed(seconds: float) -> str:
    return f"{'+' if seconds >= 0 else ''}{duration(seconds)}"


def _over(over: Over | Missing) -> tuple[Cell, Cell, Cell]:
    gain = of(over, lambda one: one.gain)
    return (
        measured(of(over, lambda one: one.extra_s), duration),
        empty(gain.reason) if isinstance(gain, Missing) else gain_cell(gain),
        _per_point(of(over, lambda one: one.per_point)),
    )


def _per_point(found: PerPoint | Missing) -> Cell:
    if isinstance(found, Missing):
        return empty(found.reason)
    if math.isinf(found.high):
        note = "the gain's interval holds zero: nothing bounds its cost from above"
        return Cell(f"{duration(found.value)} [{duration(found.low)}, ∞)", found.value, note)
    return Cell(f"{duration(found.value)} [{duration(found.low)}, {duration(found.high)}]", found.value)

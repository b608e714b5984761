"""What teachers are worth where few moments are annotated: accuracy against the annotated share."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.report.content.content import Content
from bench.report.content.few_labels import FewLabels, Share, Taught
from bench.report.content.rightness import lessons
from bench.report.content.seeds import MANY_SEEDS
from bench.report.figures.few_labels import few_labels_figures
from bench.report.figures.rightness import rightness_figures
from bench.report.quantity import plural, plus_minus, si
from bench.report.sections.cells import Cell, Table, empty, text
from bench.report.sections.section import Section
from emtm.distillation.variants import ALONE
from emtm.metrics.metric import HEADLINE, SHORT_LIST
from emtm.metrics.paired import MeanInterval, p_text


def section(content: Content) -> Section:
    """A table a share; nothing without such a study."""
    study, key, title = content.few_labels, "few-labels", "What teachers are worth where few moments are annotated"
    if study is None:
        return Section(key=key, title=title)
    return Section(
        key=key,
        title=title,
        figures=(*few_labels_figures(study), *rightness_figures(lessons(study, content.study))),
        tables=(*_curve(study), *(table for share in study.shares for table in _tables(study, share))),
        headline=True,
        limits=tuple(_limits(study)),
        protocol=(_PROTOCOL,),
        commands=tuple(_command(study)),
    )


_PROTOCOL = (
    "A share is of the videos, in an order that each draw has its own of; teachers and students see no other moment. "
    "Means and 95 % intervals are over draws and seeds, gains paired by both, and p-values corrected by Holm over all "
    "comparisons of the study. Teachers are paid once a draw, a student once a seed."
)


def _command(study: FewLabels) -> list[str]:
    """That does an embedded study again; none where it is not known, or teachers were given as finished runs."""
    asked = study.asked
    if asked is None or not study.synthetic or study.seeds != tuple(range(len(study.seeds))):
        return []
    if any("/" in teacher for teacher in asked.teachers):
        return []
    parts = ["python", "-m", "emtm", "reproduce", "--dataset", study.dataset, "--teachers", ",".join(asked.teachers)]
    parts += ["--ablate", ",".join(asked.variants), "--seeds", str(len(study.seeds))]
    parts += ["--annotated", ",".join(f"{share.share:g}" for share in study.shares), "--draws", str(study.draws)]
    parts += ["--preset", asked.preset] if asked.preset else []
    parts += [part for setting in asked.settings for part in ("--set", setting)]
    return [shlex.join([*parts, "--out", Path(study.path).parent.as_posix()])]


def _curve(study: FewLabels) -> list[Table]:
    """What each way of training gains at each share; nothing where there is one share alone."""
    if len(study.shares) == 1:
        return []
    rows = [
        (
            Cell(f"{100 * share.share:g} %", share.share),
            Cell(f"{share.annotated:,}", share.annotated),
            text(row.name),
            _accuracy(row),
            _gain(row),
            _told(_spared(study, share, row), "not known", lambda value: f"{value:.0f} %"),
            _told(row.p_holm, "not compared with the student alone", p_text),
            _right(row),
            _teachers(share),
        )
        for share in study.shares
        for row in share.rows
        if row.name != ALONE
    ]
    names = ", ".join(dict.fromkeys(teacher.name for share in study.shares for teacher in share.teachers))
    return [
        Table(
            title=f"Gains by annotated share, {study.title}",
            caption="Of what the other moments add: the gain over the student alone, by what annotating all would "
            "bring it." + (f" Teachers, in this order: {names}." if names else ""),
            headers=(
                *("Annotated", "Queries", "Variant", f"{HEADLINE.title} (%)", f"{HEADLINE.title} over student alone"),
                *(
                    "Of what the other moments add",
                    "p (Holm)",
                    "Pseudo-moments right",
                    f"Teachers' {HEADLINE.title} (%)",
                ),
            ),
            rows=tuple(rows),
        )
    ]


def _spared(study: FewLabels, share: Share, row: Taught) -> float | None:
    """Percent of the way from the student alone to the student with every moment."""
    alone = share.row(ALONE)
    if study.everything is None or alone is None or row.gain is None:
        return None
    gap = study.everything.accuracy[HEADLINE].mean - alone.accuracy[HEADLINE].mean
    return 100 * row.gain.mean / gap if gap > 0 else None


def _teachers(share: Share) -> Cell:
    means = [f"{teacher.accuracy[HEADLINE].mean:.1f}" for teacher in share.teachers]
    return text(", ".join(means)) if means else empty("the summary does not say")


def _accuracy(row: Taught) -> Cell:
    found = row.accuracy[HEADLINE]
    return Cell(plus_minus(found.mean, found.half_width), found.mean)


def _tables(study: FewLabels, share: Share) -> list[Table]:
    return [_table(study, share), *([_pairs(share)] if share.compared else [])]


def _pairs(share: Share) -> Table:
    """What teachers add to their moments, and to what costs as much."""
    return Table(
        title=f"Beside what differs in one thing, {100 * share.share:g} % annotated",
        caption="",
        headers=("Variant", "Beside", f"{HEADLINE.title} (points)", "Each draw", "p (Holm)"),
        rows=tuple(
            (
                text(found.name),
                text(found.over),
                _signed(found.gain),
                text(", ".join(f"{draw:+.1f}" for draw in found.by_draw)),
                _told(found.p_holm, "one pair", p_text),
            )
            for found in share.compared
        ),
    )


def _table(study: FewLabels, share: Share) -> Table:
    teachers = [replace(teacher, name=f"teacher: {teacher.name}") for teacher in share.teachers]
    rows = [*share.rows, *teachers, *([study.everything] if study.everything else [])]
    percent = f"{100 * share.share:g} %"
    return Table(
        title=f"{percent} of the videos annotated, {study.title}",
        caption=f"{share.annotated:,} annotated queries, {share.unlabelled:,} without a moment; {study.split} split of "
        f"{study.queries:,} queries. The teachers and their labels took {si(share.teachers_s, 's')} a draw.",
        headers=(
            *("Variant", "Runs", *(f"{metric.title} (%)" for metric in SHORT_LIST)),
            *(
                f"{HEADLINE.title} over student alone",
                "p (Holm)",
                "Pseudo-moments right",
                "Training",
                "What it is",
            ),
        ),
        rows=tuple(_row(row) for row in rows),
        rule_before=len(share.rows) if len(rows) > len(share.rows) else None,
    )


def _row(row: Taught) -> tuple[Cell, ...]:
    estimates = [row.accuracy[metric] for metric in SHORT_LIST]
    return (
        text(row.name),
        Cell(str(row.runs), row.runs),
        *(Cell(plus_minus(found.mean, found.half_width), found.mean) for found in estimates),
        _gain(row),
        _told(row.p_holm, "not compared with the student alone", p_text),
        _right(row),
        _told(row.student_s, "not among the parts of this share", lambda value: si(value, "s")),
        text(row.what),
    )


def _right(row: Taught) -> Cell:
    return _told(
        row.pseudo_right, "no pseudo-moments, or no truth to hold them against", lambda value: f"{value:.1f} %"
    )


def _gain(row: Taught) -> Cell:
    return Cell("") if row.gain is None else _signed(row.gain)


def _signed(gain: MeanInterval) -> Cell:
    held = None if gain.sign else "the interval holds zero: no difference is shown"
    return Cell(plus_minus(gain.mean, gain.half_width, "+"), gain.mean, held)


def _told(value: float | None, why: str, show: Callable[[float], str]) -> Cell:
    return empty(why) if value is None else Cell(show(value), value)


def _limits(study: FewLabels) -> list[str]:
    """What the study does not say."""
    found = []
    if study.synthetic:
        found.append(
            f"The study of few annotations ran on {study.title}: it shows how the method works on generated videos, "
            "not what it gains on real ones."
        )
    if len(study.seeds) < MANY_SEEDS or study.draws < _MANY_DRAWS:
        found.append(
            f"The study of few annotations has {plural(len(study.seeds), 'seed')} and {plural(study.draws, 'draw')} of "
            "the annotated videos: small gains may be chance."
        )
    found.append("Students of one draw share its teachers, so their intervals are narrower than new draws would be.")
    return found


_MANY_DRAWS = 3

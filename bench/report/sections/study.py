"""What distillation is worth: what a study of EMTM found."""

from __future__ import annotations

import shlex
from pathlib import Path

from bench.report.content.content import Content
from bench.report.content.seeds import MANY_SEEDS
from bench.report.content.study import Study
from bench.report.figures.aggregation import aggregation_figures
from bench.report.figures.gains import gain_figures
from bench.report.quantity import plural
from bench.report.sections.section import Section
from bench.report.sections.study_tables import study_tables


def section(content: Content) -> Section:
    """What the variants gain, how much the teachers are trusted, single queries; nothing without a study."""
    study, key, title = content.study, "study", "What distillation is worth"
    if study is None:
        return Section(key=key, title=title)
    return Section(
        key=key,
        title=title,
        figures=() if study.folds is not None else (*gain_figures(study), *aggregation_figures(study)),
        tables=tuple(study_tables(study)),
        headline=True,
        limits=tuple(study_limits(study)),
        protocol=(_PROTOCOL if study.folds is None else _FOLD_PROTOCOL,),
        commands=tuple(study_command(study)),
    )


_PROTOCOL = (
    "The study trains its teachers once, keeps what they say of the training queries, and trains every variant "
    "with the same seeds. A gain is the mean over seeds of the difference to the student alone of the same seed, "
    "so that what a seed does to both cancels."
)

_FOLD_PROTOCOL = (
    "The study by folds deals the videos that have features to folds, and does everything once for each: teachers, "
    "their labels, students and floors are trained on the videos of the others, less those on which epochs are chosen. "
    "The test queries of all folds are taken together for each seed; intervals resample videos, with all their queries."
)


def study_limits(study: Study) -> list[str]:
    """What the study does not say."""
    fewest, compared = min(len(row.seeds) for row in study.rows), len(study.rows) - 1
    found = []
    if study.synthetic:
        found.append(
            f"The study of distillation ran on {study.title}: its gains show how the method works on generated "
            "videos, not what it gains on real ones."
        )
    if study.folds is not None:
        found += [
            f"The study ran on {study.title}: part of the dataset, trained on with as little, so that its figures "
            "compare with each other and with their floors, and with nothing published.",
            f"Its intervals hold the spread between videos, not that between trainings: students have {fewest} or more "
            "in each fold, teachers one.",
        ]
    elif fewest < MANY_SEEDS:
        found.append(
            f"Some rows of the study have {plural(fewest, 'seed')} only: their intervals are wide or absent, and "
            "small gains may be chance."
        )
    if study.folds is None and study.teachers and any(row.gradient_ratio is not None for row in study.rows):
        found.append(
            "The teachers of the study were trained once: its intervals cover the seeds of the students, not those "
            "of the teachers."
        )
    if study.alone is not None and compared > 1:
        found.append(
            f"The study compares {compared} rows with the student alone, each at 95 % by itself: the more rows, the "
            "likelier that one stands out by chance."
        )
    return found


def study_command(study: Study) -> list[str]:
    """The command that does an embedded study again.

    No command for real datasets, whose folders a summary does not name, and for teachers that were given
    as finished runs.
    """
    embedded = study.synthetic and all(teacher.name == teacher.model for teacher in study.teachers)
    if not embedded or study.seeds != tuple(range(len(study.seeds))):
        return []
    parts = ["python", "-m", "emtm", "reproduce", "--dataset", study.dataset, "--teachers"]
    parts.append(",".join(teacher.name for teacher in study.teachers))
    parts += ["--ablate", ",".join(row.name for row in study.rows if row.kind != "baseline")]
    baselines = ",".join(row.name for row in study.rows if row.kind == "baseline")
    parts += ["--baselines", baselines] if baselines else []
    parts += ["--seeds", str(len(study.seeds))]
    parts += ["--preset", study.preset] if study.preset else []
    parts += [part for setting in study.settings for part in ("--set", setting)]
    return [shlex.join([*parts, "--out", Path(study.path).parent.as_posix()])]

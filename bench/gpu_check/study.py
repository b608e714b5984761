"""The steps of `python -m emtm reproduce` at paper size, two epochs on few queries, and what the whole would take.

The runs are the study's own, trained and labelled by its own functions, on generated features as wide and as long as
the published configurations take. Each step is timed apart, so that a study that is cut off still shows those before.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from bench.gpu_check.part import Part
from bench.gpu_check.plan import Plan
from bench.gpu_check.study_data import DATASET, counts_of, made_data, planned
from bench.gpu_record import StudyRow
from bench.missing import Block, Missing
from emtm.data.own import CUSTOM
from emtm.distillation.study import Study, all_labels, alone_job, label, student_jobs, teacher_jobs, teacher_runs
from emtm.distillation.variants import ALONE, FULL, STUDENT, TAUGHT
from emtm.registry import preset
from emtm.training.evaluation import open_source
from emtm.training.history import read_history
from emtm.training.jobs import Job
from emtm.training.loop import train
from emtm.training.spec import DataSource

TEACHERS = ("seqpan", "eamat", "ban-apr")
SEEDS = 5
"""Of the whole study; teachers and seeds are the command's own defaults."""
EPOCHS = 2
LABELS = "labels"
_NO_DISTILLATION = "no-distillation"


def items(plan: Plan) -> Sequence[str]:
    """Teachers, their labels, students; of the models that are checked."""
    teachers, students = [f"teacher {name}" for name in _teachers(plan)], _students(plan)
    return [*teachers, *([LABELS] if teachers else []), *(f"student {name}" for name in students)]


def row(plan: Plan, item: str) -> StudyRow:
    """Of one step; those before it have left their files in the plan's folder."""
    study, out = _study(plan), plan.folder / "study"
    kind, _, name = item.partition(" ")
    if kind == LABELS:
        return _labels(plan, study, out)
    if kind == "teacher":
        job = next(job for job in teacher_jobs(study, out) if job.name == name)
        return _trained(plan, item, job, times=1)
    if name == ALONE:
        return _trained(plan, item, alone_job(study, out, study.seeds[0]), times=SEEDS)
    dataset = open_source(study.data)
    made = {teacher: label(run, dataset, plan.device) for teacher, run in teacher_runs(study, out).items()}
    job = next(job for job in student_jobs(study, out, made) if job.name.startswith(f"{name}-s"))
    return _trained(plan, item, job, times=SEEDS)


def hours(plan: Plan, rows: Sequence[StudyRow]) -> float | Missing:
    """Of the whole study; missing where a step of it was not timed."""
    wanted = len(items(plan))
    if len(rows) < wanted or not wanted:
        return Missing(f"{len(rows)} of {wanted} steps of the study were timed")
    return sum(row.planned_s for row in rows) / 3600


def basis(plan: Plan) -> str:
    """What the hours are extrapolated from, in a sentence."""
    shown = ", ".join(f"{count} {split}" for split, count in counts_of(plan).items())
    sizes = "compact models" if plan.small else f"the configurations published for {DATASET}"
    return (
        f"the second of {EPOCHS} epochs on generated features, {shown} queries, with {sizes}: in proportion to the "
        f"queries of {DATASET} and each recipe's epochs without early stops, labels likewise, {SEEDS} seeds of each "
        "student, one run at a time; what a run takes beside its epochs (setting up, checkpoints, the test) counts "
        "once as it was here"
    )


def told(rows: Sequence[Block]) -> str:
    """Hours so far."""
    found = [row for row in rows if isinstance(row, StudyRow)]
    total = sum(row.planned_s for row in found) / 3600
    if not found:
        return "no step of reproduce was timed"
    return f"{len(found)} steps of reproduce timed, which at full length make {total:.3g} h"


def _study(plan: Plan) -> Study:
    data = made_data(plan, preset(STUDENT, DATASET).config.feature_dim)
    models = (*_teachers(plan), STUDENT, TAUGHT)
    return Study(
        data=DataSource(CUSTOM, str(data), str(data / "features")),
        preset="compact" if plan.small else DATASET,
        seeds=(0,),
        teachers=tuple(_teachers(plan)),
        ablations=tuple(_students(plan)),
        settings=tuple(f"{model}.epochs={EPOCHS}" for model in models),
    )


def _teachers(plan: Plan) -> list[str]:
    return [name for name in TEACHERS if name in plan.models]


def _students(plan: Plan) -> list[str]:
    alone = [ALONE] if STUDENT in plan.models else []
    return alone + ([FULL, _NO_DISTILLATION] if TAUGHT in plan.models and _teachers(plan) else [])


def _trained(plan: Plan, item: str, job: Job, times: int) -> StudyRow:
    began = time.monotonic()
    train(job.spec, job.out, device=plan.device, quiet=True)
    seconds = time.monotonic() - began
    history = read_history(job.out)
    epoch_s = history[-1]["seconds"]
    counts = counts_of(plan)
    queries, planned_queries = counts["train"] + counts["val"], planned("train")
    epochs = preset(job.spec.model, DATASET, job.spec.preset).recipe.epochs
    beside_s = seconds - sum(epoch["seconds"] for epoch in history)
    return StudyRow(
        step=item,
        seconds=seconds,
        queries=queries,
        epochs=len(history),
        epoch_s=epoch_s,
        planned_epochs=epochs,
        planned_queries=planned_queries,
        planned_times=times,
        planned_s=times * (epochs * epoch_s * planned_queries / queries + beside_s),
    )


def _labels(plan: Plan, study: Study, out: Path) -> StudyRow:
    began = time.monotonic()
    all_labels(study, out, open_source(study.data), plan.device)
    seconds = time.monotonic() - began
    counts = counts_of(plan)
    queries = counts["train"] + counts["test"]
    whole = planned("train") + planned("test")
    return StudyRow(
        step=LABELS,
        seconds=seconds,
        queries=queries,
        planned_queries=whole,
        planned_times=1,
        planned_s=seconds * whole / queries,
    )


STUDY = Part("study", 0.15, items, row, told)

"""The whole study: teachers, their soft labels, EMTM and its ablations, baselines, one summary.

One directory holds everything, and each step leaves a file that says it is done, so that a study
cut off goes on where it stood::

    study.json                    what is studied
    teachers/NAME/                a run each, with soft-labels-train.h5 and -test.h5 beside the weights
    students/VARIANT-sSEED/       EMTM and its ablations; `student-alone` is the plain student
    baselines/NAME-sSEED/
    summary.json                  written last; see `emtm.distillation.summary`
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from emtm.data.datasets import describe
from emtm.data.own import CUSTOM
from emtm.data.records import Dataset
from emtm.data.soft_labels import SoftLabelFile, read_soft_labels
from emtm.distillation.control import SMOOTHED_PSEUDO, SMOOTHED_TRUTH, write_smoothed_pseudo, write_smoothed_truth
from emtm.distillation.soft_labels import write_soft_labels
from emtm.distillation.variants import (
    ALONE,
    OF_BEST_TEACHER,
    SELF,
    STUDENT,
    TAUGHT,
    Variant,
    check_untaught,
    make_variant,
)
from emtm.errors import UserError
from emtm.files import json_text, read_json, replacing
from emtm.processes import held
from emtm.registry import model_class, model_names
from emtm.training import runs
from emtm.training.evaluation import open_source
from emtm.training.history import best_epoch, read_history
from emtm.training.jobs import Job, run_jobs
from emtm.training.manifest import sha256
from emtm.training.spec import DataSource, RunSpec, plan

STUDY = "study.json"
SUMMARY = "summary.json"
WIDE = "wide"
"""Preset of teachers of compact students: wider, and trained for longer."""
SPLITS = ("train", "test")
"""Splits a teacher labels: train to learn from, test to show what aggregation does."""


@dataclass(frozen=True, slots=True)
class Study:
    """What is trained and compared."""

    data: DataSource
    preset: str | None
    seeds: tuple[int, ...]
    teachers: tuple[str, ...]
    """Registered models, or directories of finished runs."""
    ablations: tuple[str, ...]
    """Variants of EMTM; see `emtm.distillation.variants`."""
    baselines: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    """`MODEL.KEY=VALUE` for every run of a model."""
    hold_out: float = 0.0
    """Share of the annotated videos that teachers are not trained on."""

    def to_json(self) -> dict[str, Any]:
        """JSON form, which is that of earlier versions where nothing new is asked for."""
        stored = {**asdict(self), "data": self.data.to_json()}
        if not self.hold_out:
            stored.pop("hold_out")
        return stored

    def spec(self, model: str, seed: int, more: Sequence[str] = (), preset: str | None = None) -> RunSpec:
        """Run of `model` in this study, by its preset or another one."""
        prefix = f"{model}."
        own = [s.removeprefix(prefix) for s in self.settings if s.startswith(prefix)]
        return plan(model, self.data, preset or self.preset, [*own, *more], seed)

    def teacher_spec(self, model: str) -> RunSpec:
        """Run of a teacher: with the first seed, and larger than compact students where it can be."""
        spec = self.spec(model, self.seeds[0])
        if spec.preset == "compact" and WIDE in model_class(model).presets:
            spec = self.spec(model, self.seeds[0], preset=WIDE)
        part = self.data.annotated
        if not self.hold_out or part is None or part.share is None:
            return spec
        less = replace(part, share=part.share * (1 - self.hold_out))
        return replace(spec, data=replace(spec.data, annotated=less))

    def check(self) -> None:
        """Raises UserError for what cannot be trained, before anything is."""
        if not self.seeds:
            raise UserError("a study needs at least one seed")
        real = describe(self.data.name)["synthetic"] is False and self.data.name != CUSTOM
        beside = self.data.root is not None and (Path(self.data.root) / "features").exists()
        if real and self.data.features is None and not beside:
            raise UserError(f"{self.data.name} needs --features (a store, or 'embedded')")
        alone = {STUDENT, *self.baselines, *(t for t in self.teachers if not is_run(t))}
        for model in sorted(alone):
            check_untaught(model)
        models = {TAUGHT, *alone}
        for model in models:
            self.spec(model, self.seeds[0])
        for setting in self.settings:
            if setting.partition(".")[0] not in models:
                raise UserError(f"'{setting}' sets nothing: write MODEL.KEY=VALUE with a model of this study")
        if SELF in self.ablations and ALONE not in self.ablations:
            raise UserError(f"'{SELF}' is taught by '{ALONE}': name both")
        for name in self.ablations:
            if name != ALONE:
                self.spec(TAUGHT, 0, make_variant(name, self.names, self.names[0] if self.names else None).settings)

    @property
    def names(self) -> list[str]:
        """Short names of the teachers."""
        return [Path(t).name if is_run(t) else t for t in self.teachers]


def is_run(teacher: str) -> bool:
    """Whether a teacher is given as a run directory rather than a model's name."""
    return (Path(teacher) / runs.RUN).is_file()


def run_study(
    study: Study, out: Path, *, parallel: int = 1, threads: int = 1, device: str = "cpu", quiet: bool = False
) -> None:
    """Do every step that is not done yet.

    Raises UserError when `out` holds another study, is in the hands of another process, or anything in it cannot be
    trained.
    """
    study.check()
    with held(out):
        claim(study, out)
        _do(study, out, parallel, threads, device, quiet)


def _do(study: Study, out: Path, parallel: int, threads: int, device: str, quiet: bool) -> None:
    def train_all(jobs: list[Job], title: str) -> None:
        run_jobs(jobs, title, parallel=parallel, threads=threads, device=device, quiet=quiet)

    train_all(teacher_jobs(study, out), "teachers")
    if SELF in study.ablations:
        train_all([alone_job(study, out, seed) for seed in study.seeds], "students that teach themselves")
    dataset = open_source(study.data)
    labels = all_labels(study, out, dataset, device)
    train_all([*student_jobs(study, out, labels), *baseline_jobs(study, out)], "students and baselines")


def claim(study: Study, out: Path) -> None:
    """Make `out` this study's directory."""
    # Through JSON, so that what is compared is what was stored.
    stored = json.loads(json.dumps(study.to_json()))
    file = out / STUDY
    if file.exists():
        if read_json(file) != stored:
            raise UserError(f"{out} holds another study; choose another --out")
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        runs.write_json(file, stored)
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror}") from error


def teacher_jobs(study: Study, out: Path) -> list[Job]:
    """Teachers that are trained here, each once, with the first seed."""
    own = [t for t in study.teachers if not is_run(t)]
    return [Job(name, study.teacher_spec(name), out / "teachers" / name) for name in own]


def teacher_runs(study: Study, out: Path) -> dict[str, Path]:
    """Run directory of each teacher."""
    pairs = zip(study.names, study.teachers, strict=True)
    return {name: Path(t) if is_run(t) else out / "teachers" / t for name, t in pairs}


def all_labels(study: Study, out: Path, dataset: Dataset, device: str) -> dict[str, SoftLabelFile]:
    """Training labels of every teacher, and the control's if it is asked for; made unless they are there."""
    labels = {name: label(path, dataset, device) for name, path in teacher_runs(study, out).items()}
    if SMOOTHED_TRUTH in study.ablations:
        file = out / "teachers" / f"{SMOOTHED_TRUTH}.h5"
        if not file.exists():
            write_smoothed_truth(dataset, file)
        labels[SMOOTHED_TRUTH] = soft_label_file(file, dataset)
    if SMOOTHED_PSEUDO in study.ablations:
        file = out / "teachers" / f"{SMOOTHED_PSEUDO}.h5"
        if not file.exists():
            write_smoothed_pseudo(dataset, [read_soft_labels(Path(labels[name].path)) for name in study.names], file)
        labels[SMOOTHED_PSEUDO] = soft_label_file(file, dataset)
    if SELF in study.ablations:
        jobs = {seed: alone_job(study, out, seed) for seed in study.seeds}
        labels |= {f"{SELF}-s{seed}": label(job.out, dataset, device) for seed, job in jobs.items()}
    return labels


def label(run: Path, dataset: Dataset, device: str) -> SoftLabelFile:
    """Soft labels of a teacher for all `SPLITS`, made unless they are there; the training split's file.

    Raises:
        UserError: those that are there are of other weights than the run has now, or of other annotations.
    """
    for split in SPLITS:
        file = run / f"soft-labels-{split}.h5"
        if file.exists():
            soft_label_file(file, dataset, split)
        else:
            # What they took comes first: whoever finds labels does not make them again.
            note = partial(_note_cost, label_cost(run, split), time.monotonic())
            write_soft_labels(run, file, split, dataset=dataset, device=device, computed=note)
    return soft_label_file(run / f"soft-labels-{SPLITS[0]}.h5", dataset)


def _note_cost(path: Path, began: float) -> None:
    with replacing(path) as cost:
        cost.write_text(json_text({"seconds": round(time.monotonic() - began, 3)}) + "\n", "utf-8")


def label_cost(run: Path, split: str = SPLITS[0]) -> Path:
    """What the writing of a teacher's soft labels took, beside them."""
    return run / f"soft-labels-{split}.json"


def label_seconds(run: Path) -> float | None:
    """Seconds that the labels a student learns from took; None where they were written before that was kept."""
    file = label_cost(run)
    return float(read_json(file)["seconds"]) if file.exists() else None


def soft_label_file(path: Path, dataset: Dataset, split: str = SPLITS[0]) -> SoftLabelFile:
    """How a run names a store, which is checked against the dataset, and the run that it lies with, as they are now.

    Raises:
        UserError: it is stale.
    """
    labels = read_soft_labels(path)
    labels.check(dataset, split)
    weights = path.parent / runs.BEST
    if is_run(str(path.parent)) and weights.is_file() and sha256(weights) != labels.info.weights_sha256:
        raise UserError(
            f"{path} holds what {labels.info.teacher} said before {path.parent} was trained anew: remove it, to have "
            "it made again"
        )
    return SoftLabelFile(str(path.resolve()), labels.info.teacher, labels.sha256)


def short_names(teachers: Sequence[str]) -> list[str]:
    """What soft-label files and run directories are called."""
    return [path.stem if path.is_file() else path.name for path in map(Path, teachers)]


def find_soft_labels(teachers: Sequence[str], dataset: Dataset, device: str) -> dict[str, SoftLabelFile]:
    """Training labels of teachers given as soft-label files or run directories, by short name.

    A run directory without soft labels gets them. Raises UserError for anything else.
    """
    found: dict[str, SoftLabelFile] = {}
    for teacher in teachers:
        path = Path(teacher)
        if path.is_file():
            found[path.stem] = soft_label_file(path, dataset)
        elif is_run(teacher):
            found[path.name] = label(path, dataset, device)
        elif teacher in model_names():
            raise UserError(
                f"'{teacher}' is a model, not a trained teacher: train it first, or use `python -m emtm reproduce`"
            )
        else:
            raise UserError(f"{teacher} is neither a soft-label file nor a run directory")
    if len(found) < len(teachers):
        raise UserError("two teachers have the same file name; rename one")
    return found


def student_jobs(study: Study, out: Path, labels: dict[str, SoftLabelFile]) -> list[Job]:
    """EMTM in every variant, and the student alone, each with every seed."""
    best = None if OF_BEST_TEACHER.isdisjoint(study.ablations) else best_teacher(study, out)
    jobs = []
    for seed in study.seeds:
        for name in study.ablations:
            if name == ALONE:
                jobs.append(alone_job(study, out, seed))
                continue
            variant = make_variant(name, study.names, best)
            if name == SELF:
                variant = replace(variant, teachers=(f"{SELF}-s{seed}",))
            spec = distilled(study.spec(TAUGHT, seed, variant.settings), variant, labels)
            jobs.append(Job(f"{name}-s{seed}", spec, out / "students" / f"{name.replace('=', '-')}-s{seed}"))
    return jobs


def alone_job(study: Study, out: Path, seed: int) -> Job:
    """The student without teachers."""
    return Job(f"{ALONE}-s{seed}", study.spec(STUDENT, seed), out / "students" / f"{ALONE}-s{seed}")


def distilled(spec: RunSpec, variant: Variant, labels: dict[str, SoftLabelFile]) -> RunSpec:
    """`spec`, learning from the variant's teachers.

    Raises:
        UserError: the released losses, which know no moment that is made up, where part is annotated.
    """
    files = tuple(labels[teacher] for teacher in variant.teachers)
    part = spec.data.annotated is not None or spec.data.unlabelled is not None
    if files and part and getattr(spec.config, "objective", "") == "official":
        raise UserError(
            "the released code's losses are for annotated queries alone: leave --annotated and --unlabelled or them out"
        )
    return replace(spec, data=replace(spec.data, soft_labels=files, pseudo_weight=variant.pseudo_weight))


def baseline_jobs(study: Study, out: Path) -> list[Job]:
    """Each baseline with every seed."""
    return [
        Job(f"{name}-s{seed}", study.spec(name, seed), out / "baselines" / f"{name}-s{seed}")
        for seed in study.seeds
        for name in study.baselines
    ]


def best_teacher(study: Study, out: Path) -> str:
    """The teacher with the highest validation mIoU."""

    def validation_miou(run: Path) -> float:
        history = read_history(run)
        return history[best_epoch(history)]["val"]["miou"]

    found = {name: validation_miou(run) for name, run in teacher_runs(study, out).items()}
    if not found:
        raise UserError("there is no best teacher among none; give --teachers")
    return max(found, key=lambda name: found[name])

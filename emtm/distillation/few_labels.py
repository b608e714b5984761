"""The study of part of the annotation: the same variants at several annotated shares, and several draws of each.

Each share and draw is a study of its own in a folder of its own, with teachers that saw no other moments::

    share-0.25-draw-0/            as `emtm.distillation.study` has it
    share-1/                      the student alone with every moment, where it is asked for
    summary.json                  written last
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emtm.data.annotated import AnnotatedPart
from emtm.distillation.study import SUMMARY, Study, all_labels, label_seconds, run_study, student_jobs, teacher_runs
from emtm.distillation.summary import group_of, pseudo_right, scored_on, teacher_record
from emtm.distillation.variants import ALONE, BOTH, FEW_CONTROLS, in_words
from emtm.errors import UserError
from emtm.metrics.metric import HEADLINE, METRICS
from emtm.metrics.paired import holm, mean_interval, paired_difference, paired_p_value
from emtm.training import runs
from emtm.training.evaluation import open_source
from emtm.training.runs import read_metrics

FORMAT = "emtm-few-labels/1"
ALL = "all-labels"
"""The student alone with every query annotated: what the annotation that is spared would be worth."""
MAX_SEEDS = 1000

Values = dict[int, dict[str, Any]]
"""Metrics of the runs of a variant, by `MAX_SEEDS` times the draw, plus the seed."""


@dataclass(frozen=True, slots=True)
class FewLabels:
    """A study at several annotated shares."""

    study: Study
    """With all annotated; its `ablations` may name `ALL`."""
    shares: tuple[float, ...]
    draws: int

    def parts(self) -> list[tuple[str, float, int, Study]]:
        """Folder, share, draw, and the study there."""
        own = tuple(name for name in self.study.ablations if name != ALL)
        found = []
        for share in self.shares:
            for draw in range(self.draws):
                data = replace(self.study.data, annotated=AnnotatedPart(share, draw))
                found.append(
                    (f"share-{share:g}-draw-{draw}", share, draw, replace(self.study, data=data, ablations=own))
                )
        return found

    @property
    def reference(self) -> Study | None:
        """The student alone with every moment; None where it is not asked for."""
        whole = replace(self.study, teachers=(), ablations=(ALONE,), baselines=(), hold_out=0.0, settings=self._own)
        return whole if ALL in self.study.ablations else None

    @property
    def _own(self) -> tuple[str, ...]:
        return tuple(setting for setting in self.study.settings if setting.startswith(("emtm.", "emtm-student.")))


def run_few_labels(few: FewLabels, out: Path, *, parallel: int, threads: int, device: str, quiet: bool = False) -> None:
    """Do every step of every part that is not done yet; raises UserError as `run_study`, before anything is trained."""
    if ALONE not in few.study.ablations:
        raise UserError(f"a study of part of the annotation compares with '{ALONE}': name it in --ablate")
    if few.study.baselines:
        raise UserError("--baselines are for a study with all annotated")
    studies = [(folder, study) for folder, _, _, study in few.parts()]
    studies += [("share-1", few.reference)] if few.reference else []
    for _, study in studies:
        study.check()
    for folder, study in studies:
        run_study(study, out / folder, parallel=parallel, threads=threads, device=device, quiet=quiet)


def summarise_few_labels(few: FewLabels, out: Path) -> dict[str, Any]:
    """Summary of a finished study; written to `out` and returned. All comparisons are one family for Holm."""
    whole = few.reference
    # The student with every moment has no draw: its runs are those of the first.
    everything = {} if whole is None else _values(whole, out / "share-1", 0)[ALONE]
    shares, tests = [], []
    for share in few.shares:
        parts = [(draw, study, out / folder) for folder, own, draw, study in few.parts() if own == share]
        groups: dict[str, Values] = {}
        for draw, study, path in parts:
            for name, found in _values(study, path, draw).items():
                groups.setdefault(name, {}).update(found)
        compared = [_compare(share, name, other, groups) for name, other in _family(list(groups))]
        tests += compared
        shares.append(
            {
                "share": share,
                "queries": _annotated(parts[0][1]),
                "teachers": [
                    {"draw": draw, **teacher_record(name, run)}
                    for draw, study, path in parts
                    for name, run in teacher_runs(study, path).items()
                ],
                "rows": [_row(name, found) for name, found in groups.items()],
                "comparisons": compared,
                "bill": _bill([(study, path) for _, study, path in parts], groups),
            }
        )
    known = [test for test in tests if test["p"] is not None]
    for test, corrected in zip(known, holm([test["p"] for test in known]), strict=True):
        test["p_holm"] = corrected
    summary = {
        **scored_on(FORMAT, open_source(few.study.data)),
        "seeds": list(few.study.seeds),
        "draws": few.draws,
        "study": few.study.to_json(),
        "shares": shares,
        "all_labels": _row(ALL, everything) if everything else None,
    }
    runs.write_json(out / SUMMARY, summary)
    return summary


def _values(study: Study, path: Path, draw: int) -> dict[str, Values]:
    """Metrics of every variant of one part."""
    labels = all_labels(study, path, open_source(study.data), "cpu")
    found: dict[str, Values] = {}
    for job in student_jobs(study, path, labels):
        found.setdefault(group_of(job), {})[MAX_SEEDS * draw + job.spec.seed] = read_metrics(job.out)
    return found


def _annotated(study: Study) -> dict[str, int]:
    dataset = open_source(study.data)
    return {
        "train": len(dataset.splits["train"]),
        "val": len(dataset.splits["val"]),
        "unlabelled": len(dataset.unlabelled),
    }


def _family(names: Sequence[str]) -> list[tuple[str, str]]:
    """What is compared: each variant with the student alone, and with `both` what differs from it in one thing.

    What is held to add nothing (a control, a teacher left out) is subtracted from `both`.
    """
    alone = [(name, ALONE) for name in names if name != ALONE]
    if BOTH not in names:
        return alone
    controls = [(BOTH, name) for name in names if name in FEW_CONTROLS or name.startswith(f"{BOTH}:")]
    return [*alone, *controls, *((name, BOTH) for name in names if name.startswith(f"{BOTH}-"))]


def _compare(share: float, name: str, other: str, groups: Mapping[str, Values]) -> dict[str, Any]:
    """Differences of the headline metric, paired by draw and seed; the mean of each draw beside that of all."""
    values, reference = ({key: HEADLINE.read(run) or 0.0 for key, run in groups[n].items()} for n in (name, other))
    difference = paired_difference(values, reference)
    draws = sorted({key // MAX_SEEDS for key in values})
    each = [paired_difference(_of(values, draw), _of(reference, draw)) for draw in draws]
    return {
        "share": share,
        "variant": name,
        "over": other,
        "metric": HEADLINE.key,
        "difference": difference and difference.to_json(),
        "by_draw": [found and found.mean for found in each],
        "p": paired_p_value(values, reference),
        "p_holm": None,
    }


def _of(values: Mapping[int, float], draw: int) -> dict[int, float]:
    return {key: value for key, value in values.items() if key // MAX_SEEDS == draw}


def _row(name: str, found: Values) -> dict[str, Any]:
    """Accuracies of one variant, in percent, and how right its pseudo-moments were."""
    figures: dict[str, Any] = {}
    for metric in METRICS:
        values = [metric.read(scores) or 0.0 for scores in found.values()]
        figures[metric.key] = {"values": values, **mean_interval(values).to_json()}
    return {
        "name": name,
        "what": in_words(name),
        "runs": [{"draw": key // MAX_SEEDS, "seed": key % MAX_SEEDS} for key in found],
        **figures,
        "pseudo_right": pseudo_right(found.values()),
    }


def _bill(parts: Sequence[tuple[Study, Path]], groups: Mapping[str, Values]) -> dict[str, Any]:
    """Seconds of all teachers, of their labels and of one student, and points gained over an hour of the first two.

    Mean over draws and runs, in wall-clock time of whatever else ran beside.
    """
    teachers: dict[str, list[float]] = {}
    labels: list[float] = []
    for study, path in parts:
        for name, run in teacher_runs(study, path).items():
            teachers.setdefault(name, []).append(read_metrics(run)["training"]["seconds"])
            labels.append(label_seconds(run) or 0.0)
    each = {name: mean_interval(seconds).mean for name, seconds in teachers.items()}
    label_s = sum(labels) / len(parts)
    students = {
        name: mean_interval([run["training"]["seconds"] for run in found.values()]).mean
        for name, found in groups.items()
    }
    hours = (sum(each.values()) + label_s) / 3600
    alone = [HEADLINE.read(run) or 0.0 for run in groups[ALONE].values()]
    gains = {
        name: mean_interval([HEADLINE.read(run) or 0.0 for run in found.values()]).mean - mean_interval(alone).mean
        for name, found in groups.items()
        if name != ALONE and name not in FEW_CONTROLS
    }
    return {
        "teacher_s": each,
        "labels_s": label_s,
        "student_s": students,
        "points_per_teacher_hour": {name: gain / hours for name, gain in gains.items()} if hours else {},
    }

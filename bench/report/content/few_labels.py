"""The summary of a study of part of the annotation (`python -m emtm reproduce --annotated`) as a report reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report.content.summaries import validated
from emtm.distillation.few_labels import ALL, FORMAT, MAX_SEEDS
from emtm.distillation.variants import ALONE
from emtm.errors import UserError
from emtm.metrics.metric import METRICS, SHORT_LIST, Metric
from emtm.metrics.paired import MeanInterval, mean_interval

_WHAT = {ALONE: "the student without teachers", ALL: "the student without teachers, every moment annotated"}


@dataclass(frozen=True, slots=True)
class Taught:
    """One way of training, over draws and seeds, at one share."""

    name: str
    what: str
    runs: int
    accuracy: Mapping[Metric, MeanInterval]
    values: Mapping[Metric, Mapping[int, float]]
    """Of each run, by a number of its draw and seed: equal numbers of two ways are a pair."""
    gain: MeanInterval | None
    """Of the headline metric over the student alone, paired by draw and seed."""
    p_holm: float | None
    """Of that gain, corrected for all comparisons of the study."""
    pseudo_right: float | None
    """Percent of the pseudo-moments that have an IoU of 1/2 with the truth."""
    student_s: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A way of training beside one that differs from it in one thing."""

    name: str
    over: str
    gain: MeanInterval
    """Of the headline metric, paired by draw and seed."""
    by_draw: tuple[float, ...]
    p_holm: float | None


@dataclass(frozen=True, slots=True)
class Share:
    """What was found with part of the videos annotated."""

    share: float
    annotated: int
    """Queries of the training split."""
    unlabelled: int
    """Queries that have no moment."""
    teachers_s: float
    """Of all teachers and their labels."""
    rows: tuple[Taught, ...]
    teachers: tuple[Taught, ...]
    """One run a draw."""
    compared: tuple[Compared, ...]
    """With what is not the student alone."""

    def row(self, name: str) -> Taught | None:
        """By its name."""
        return next((row for row in self.rows if row.name == name), None)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the study was asked to do, as on its command line."""

    preset: str | None
    teachers: tuple[str, ...]
    variants: tuple[str, ...]
    settings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FewLabels:
    """All shares, fewest annotations first, and the student alone with every moment."""

    path: str
    """As the user gave it."""
    dataset: str
    synthetic: bool
    split: str
    queries: int
    seeds: tuple[int, ...]
    draws: int
    shares: tuple[Share, ...]
    everything: Taught | None
    asked: Asked | None
    """None where the summary does not say."""

    @property
    def title(self) -> str:
        """The dataset, marked where it is synthetic."""
        return f"{self.dataset} (synthetic)" if self.synthetic else self.dataset

    @property
    def names(self) -> list[str]:
        """Of the ways of training, the student alone first."""
        found = dict.fromkeys(row.name for share in self.shares for row in share.rows)
        return sorted(found, key=lambda name: name != ALONE)


def read_few_labels(path: Path) -> FewLabels:
    """The summary at `path`.

    Raises UserError when it cannot be read, is not such a summary, or is damaged.
    """
    doc = validated(path, FORMAT, "few-labels-1.json")
    try:
        return _few_labels(doc, path.as_posix())
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}") from None


def _few_labels(doc: Mapping[str, Any], path: str) -> FewLabels:
    shares = sorted(map(_share, doc["shares"]), key=lambda share: share.share)
    if len({share.share for share in shares}) < len(shares):
        raise ValueError("two parts have the same share")
    everything = doc["all_labels"]
    return FewLabels(
        path=path,
        dataset=doc["dataset"],
        synthetic=doc["synthetic"],
        split=doc["split"],
        queries=doc["queries"],
        seeds=tuple(doc["seeds"]),
        draws=doc["draws"],
        shares=tuple(shares),
        everything=None if everything is None else _taught(everything, {}, None),
        asked=_asked(doc["study"]) if "study" in doc else None,
    )


def _asked(doc: Mapping[str, Any]) -> Asked:
    return Asked(doc["preset"], *(tuple(doc[name]) for name in ("teachers", "ablations", "settings")))


def _share(doc: Mapping[str, Any]) -> Share:
    names = [row["name"] for row in doc["rows"]]
    if len(set(names)) < len(names):
        raise ValueError(f"share {doc['share']:g}: two rows have the same name")
    over_alone = {found["variant"]: found for found in doc["comparisons"] if found["over"] == ALONE}
    bill = doc["bill"]
    return Share(
        share=doc["share"],
        annotated=doc["queries"]["train"],
        unlabelled=doc["queries"]["unlabelled"],
        teachers_s=sum(bill["teacher_s"].values()) + bill["labels_s"],
        rows=tuple(
            _taught(row, over_alone.get(row["name"], {}), bill["student_s"].get(row["name"])) for row in doc["rows"]
        ),
        teachers=_teachers(doc.get("teachers", ())),
        compared=tuple(map(_compared, (found for found in doc["comparisons"] if found["over"] != ALONE))),
    )


def _teachers(found: Sequence[Mapping[str, Any]]) -> tuple[Taught, ...]:
    names = dict.fromkeys(teacher["name"] for teacher in found)
    return tuple(_teacher(name, [teacher for teacher in found if teacher["name"] == name]) for name in names)


def _teacher(name: str, draws: Sequence[Mapping[str, Any]]) -> Taught:
    lacking = next((m.key for m in SHORT_LIST if any(m.key not in draw["test"] for draw in draws)), None)
    if lacking is not None:
        raise ValueError(f"teacher {name} lacks {lacking}")
    seconds = [draw["training_s"] for draw in draws if "training_s" in draw]
    return Taught(
        name=name,
        what="a teacher, trained on the same annotation",
        runs=len(draws),
        accuracy={metric: mean_interval([draw["test"][metric.key] for draw in draws]) for metric in SHORT_LIST},
        values={},
        gain=None,
        p_holm=None,
        pseudo_right=None,
        student_s=mean_interval(seconds).mean if seconds else None,
    )


def _compared(found: Mapping[str, Any]) -> Compared:
    if found["difference"] is None:
        raise ValueError(f"{found['variant']} and {found['over']} have no run in common")
    return Compared(
        name=found["variant"],
        over=found["over"],
        gain=_estimate(found["difference"]),
        by_draw=tuple(draw for draw in found.get("by_draw", ()) if draw is not None),
        p_holm=found["p_holm"],
    )


def _taught(row: Mapping[str, Any], over_alone: Mapping[str, Any], student_s: float | None) -> Taught:
    lacking = next((metric.key for metric in SHORT_LIST if metric.key not in row), None)
    if lacking is not None:
        raise ValueError(f"{row['name']} lacks {lacking}")
    scored = [metric for metric in METRICS if metric.key in row]
    if any(len(row[metric.key]["values"]) != len(row["runs"]) for metric in scored):
        raise ValueError(f"{row['name']} has not one value a run")
    gain = over_alone.get("difference")
    numbers = [MAX_SEEDS * run["draw"] + run["seed"] for run in row["runs"]]
    return Taught(
        name=row["name"],
        what=row["what"] or _WHAT.get(row["name"], ""),
        runs=len(row["runs"]),
        accuracy={metric: _estimate(row[metric.key]) for metric in SHORT_LIST},
        values={metric: dict(zip(numbers, row[metric.key]["values"], strict=True)) for metric in scored},
        gain=_estimate(gain) if gain else None,
        p_holm=over_alone.get("p_holm"),
        pseudo_right=row["pseudo_right"],
        student_s=student_s,
    )


def _estimate(found: Mapping[str, Any]) -> MeanInterval:
    return MeanInterval(found["mean"], found["half_width"], found["n"])

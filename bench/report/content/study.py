"""The summary of a study of EMTM (`python -m emtm reproduce`) as a report reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.report.content.folds import Folds, read_folds
from bench.report.content.summaries import validated
from emtm.distillation.control import SMOOTHED_TRUTH
from emtm.distillation.summary import FORMAT
from emtm.distillation.variants import ALONE, in_words
from emtm.errors import UserError
from emtm.metrics.metric import METRICS, SHORT_LIST, Metric
from emtm.metrics.paired import MeanInterval

Array = npt.NDArray[np.float64]

BOUNDARIES = ("start", "end")
_SUM_TOLERANCE = 0.02
"""The weights in a summary are rounded."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One accuracy of a variant, in percent, and its gain over the student alone, paired by seed."""

    values: Mapping[int, float]
    """By seed."""
    estimate: MeanInterval
    gain: MeanInterval | None


@dataclass(frozen=True, slots=True)
class Variant:
    """A way of training EMTM, or another model (`kind` "baseline"), over its seeds."""

    name: str
    kind: str
    what: str
    measures: Mapping[Metric, Measure]
    training_s: float
    gradient_ratio: float | None
    """Of the distillation's loss to the hard loss; None where no teacher teaches."""
    device: str | None = None
    """None where the summary does not say."""
    pseudo_right: float | None = None
    """Percent of the pseudo-moments with an IoU of 1/2; None where there are none, or no truth to hold them against."""

    @property
    def seeds(self) -> list[int]:
        """Seeds it was trained with."""
        return list(next(iter(self.measures.values())).values)


@dataclass(frozen=True, slots=True)
class Teacher:
    """A teacher's accuracies in percent, on the test split and on the queries it labelled."""

    name: str
    model: str
    test: Mapping[Metric, float]
    train: Mapping[Metric, float]
    training_s: float | None = None
    labels_s: float | None = None
    """What the soft labels of the training queries took to write; both None in summaries of earlier versions."""
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One query: the truth, and what teachers, their weighted sum and the student say of it."""

    sentence: str
    duration_s: float
    moment_s: tuple[float, float]
    weights: Array
    """`[K, 2]`."""
    teachers: Array
    """`[K, 2, L]`."""
    aggregated: Array
    """`[2, L]`."""
    student: Array
    """`[2, L]`."""


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What the whole method does with its teachers on a split."""

    teachers: tuple[str, ...]
    split: str
    weights: Array
    """`[Q, K, 2]`."""
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """Teachers, variants of EMTM and baselines on one dataset."""

    path: str
    """As the user gave it."""
    dataset: str
    synthetic: bool
    split: str
    queries: int
    preset: str | None
    seeds: tuple[int, ...]
    settings: tuple[str, ...]
    floors: Mapping[str, Mapping[Metric, float]]
    """In percent, by name."""
    teachers: tuple[Teacher, ...]
    rows: tuple[Variant, ...]
    aggregation: Aggregation | None
    folds: Folds | None = None
    """Of a study by folds, whose accuracies are those of all of them."""

    @property
    def title(self) -> str:
        """The dataset, marked where it is synthetic, and of how many folds a study by folds is."""
        name = self.dataset if self.folds is None else self.dataset.removesuffix(self.folds.mark)
        name = f"{name} (synthetic)" if self.synthetic else name
        return name if self.folds is None else f"{name}, {self.folds.title}"

    @property
    def metrics(self) -> list[Metric]:
        """Those that every row was scored with."""
        return [metric for metric in METRICS if all(metric in row.measures for row in self.rows)]

    @property
    def alone(self) -> Variant | None:
        """The student without teachers, the reference of all gains."""
        return self._row(ALONE)

    @property
    def control(self) -> Variant | None:
        """The student taught by smoothed annotations instead of teachers."""
        return self._row(SMOOTHED_TRUTH)

    def _row(self, name: str) -> Variant | None:
        return next((row for row in self.rows if row.name == name), None)


def read_study(path: Path) -> Study:
    """The summary at `path`.

    Raises UserError when it cannot be read, is not a summary, or is damaged.
    """
    doc = validated(path, FORMAT, "study-1.json")
    try:
        return _study(doc, path.as_posix())
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}") from None


def _study(doc: Mapping[str, Any], path: str) -> Study:
    """ValueError for what a schema cannot see: parts that do not fit together."""
    names = [row["name"] for row in doc["rows"]]
    if len(set(names)) < len(names):
        raise ValueError("two rows have the same name")
    order = ("alone", "variant", "baseline")
    rows = [_variant(row, doc["soft_gradient_ratio"].get(row["name"])) for row in doc["rows"]]
    return Study(
        path=path,
        dataset=doc["dataset"],
        synthetic=doc["synthetic"],
        split=doc["split"],
        queries=doc["queries"],
        preset=doc.get("preset"),
        seeds=tuple(doc["seeds"]),
        settings=tuple(doc.get("settings", ())),
        floors={name.replace("_", "-"): _floor(floor) for name, floor in (doc.get("floors") or {}).items()},
        teachers=tuple(map(_teacher, doc["teachers"])),
        rows=tuple(sorted(rows, key=lambda row: order.index(row.kind))),
        aggregation=_aggregation(doc["aggregation"]) if "aggregation" in doc else None,
        folds=read_folds(doc),
    )


def _floor(floor: Mapping[str, Any]) -> dict[Metric, float]:
    return {metric: value for metric in METRICS if (value := metric.read(floor)) is not None}


def _flat(where: str, accuracy: Mapping[str, float]) -> dict[Metric, float]:
    return {metric: accuracy[metric.key] for metric in _metrics_in(where, accuracy)}


def _metrics_in(where: str, figures: Mapping[str, object]) -> list[Metric]:
    """Metrics whose keys are there, those that no table goes without among them."""
    lacking = next((metric.key for metric in SHORT_LIST if metric.key not in figures), None)
    if lacking is not None:
        raise ValueError(f"{where} lacks {lacking}")
    return [metric for metric in METRICS if metric.key in figures]


def _teacher(doc: Mapping[str, Any]) -> Teacher:
    test, train = (_flat(f"teacher {doc['name']}, {part}", doc[part]) for part in ("test", "train"))
    took = (doc.get(key) for key in ("training_s", "labels_s", "device"))
    return Teacher(doc["name"], doc["model"], test, train, *took)


def _variant(row: Mapping[str, Any], gradient_ratio: float | None) -> Variant:
    kind, what = _kind(row["name"], row["what"])
    right = row.get("pseudo_right")
    what += "" if right is None else f"; {right:.1f} % of its pseudo-moments are right"
    return Variant(
        row["name"],
        kind,
        what,
        {m: _measure(f"{row['name']}, {m.key}", row["seeds"], row[m.key]) for m in _metrics_in(row["name"], row)},
        row["training_s"],
        gradient_ratio,
        row.get("device"),
        right,
    )


def _kind(name: str, what: str | None) -> tuple[str, str]:
    """What a row is, and in words, which earlier summaries have of the ablations alone."""
    if name == ALONE:
        return "alone", what or "the student without teachers"
    if what := what or in_words(name):
        return "variant", what
    if "=" in name:
        key, _, value = name.partition("=")
        return "variant", f"the whole method with {key} at {value}"
    return "baseline", "another model, without teachers"


def _measure(where: str, seeds: Sequence[int], found: Mapping[str, Any]) -> Measure:
    if len(found["values"]) != len(seeds):
        raise ValueError(f"{where}: {len(found['values'])} values for {len(seeds)} seeds")
    gain = found.get("over_student_alone")
    return Measure(dict(zip(seeds, found["values"], strict=True)), _estimate(found), _estimate(gain) if gain else None)


def _estimate(found: Mapping[str, Any]) -> MeanInterval:
    return MeanInterval(found["mean"], found["half_width"], found["n"])


def _aggregation(doc: Mapping[str, Any]) -> Aggregation:
    teachers, queries = tuple(doc["teachers"]), doc["queries"]
    boundaries = [_array(f"{b} weights", doc["weights"][b], (len(queries), len(teachers))) for b in BOUNDARIES]
    weights = np.stack(boundaries, 2)
    if (np.abs(weights.sum(1) - 1) > _SUM_TOLERANCE).any():
        raise ValueError("the teachers' weights of a query do not sum to 1")
    return Aggregation(teachers, doc["split"], weights, tuple(_example(e, len(teachers)) for e in doc["examples"]))


def _example(doc: Mapping[str, Any], teachers: int) -> Example:
    where, clips = f"query {doc['query_id']}", len(doc["student"][0])
    return Example(
        doc["sentence"],
        doc["duration_s"],
        (doc["moment_s"][0], doc["moment_s"][1]),
        _array(f"{where}, weights", doc["weights"], (teachers, 2)),
        _array(f"{where}, teachers", doc["teachers"], (teachers, 2, clips)),
        _array(f"{where}, aggregated", doc["aggregated"], (2, clips)),
        _array(f"{where}, student", doc["student"], (2, clips)),
    )


def _array(where: str, values: Any, shape: tuple[int, ...]) -> Array:
    try:
        array = np.asarray(values, np.float64)
    except ValueError:
        raise ValueError(f"{where}: rows of unequal length") from None
    if array.shape != shape:
        raise ValueError(f"{where}: {_size(array.shape)} values instead of {_size(shape)}")
    return array


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))

"""Trained runs, the seeds of one model on one dataset taken together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import TypeVar

from bench.disturbance import disturbed
from bench.missing import ABSENT, Missing, known, known_of, of
from bench.record import CaseRecord, GroupAccuracy, Interval, Provenance, Quality, Role
from bench.report.content.cases import macs
from bench.report.content.naming import Identity, identity
from bench.typical import latency_ci99_s, latency_s
from emtm.metrics.metric import HEADLINE, HEADLINE_OF_FIVE, METRICS, Metric

T = TypeVar("T", float, Interval)

MANY_SEEDS = 5
"""Below this many seeds a difference between two models is an observation, not a finding."""


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """What accuracies and costs must have in common to be compared: those of different scopes never share an axis."""

    dataset: str
    synthetic: bool
    split: str
    protocol: str
    device: str
    dtype: str
    backend: str
    threads: int
    """0 where the run does not say."""
    batch_size: int

    @property
    def title(self) -> str:
        """The dataset that the accuracy belongs to, marked where it is synthetic."""
        return f"{self.dataset} (synthetic)" if self.synthetic else self.dataset


@dataclass(frozen=True, slots=True)
class Spread:
    """One metric over the seeds of a model, in percent."""

    mean: float
    lowest: float
    """Of the seeds."""
    highest: float
    low: float
    """Of the envelope of the seeds' 95 % intervals over queries."""
    high: float


@dataclass(frozen=True, slots=True)
class Floor:
    """What a model reaches that lacks the query or the video, in percent."""

    name: str
    percent: Mapping[Metric, float]


@dataclass(frozen=True, slots=True)
class Kind:
    """Accuracy on one kind of query, mean over seeds, in percent."""

    queries: float | Missing
    headline: float | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """One model, trained with one or more seeds: what it achieves, and what it costs."""

    scope: Scope
    identity: Identity
    role: Role
    cases: tuple[CaseRecord, ...]
    """One a seed."""
    seeds: int
    queries: int
    notes: tuple[str, ...]
    """On the data, from the run."""
    official: bool
    """Are all of the accuracies of a published test set?"""
    accuracy: Mapping[Metric, Spread]
    recall5: float | Missing
    """The headline metric, asked of any of the first five moments; in percent."""
    kinds: Mapping[str, Kind]
    floors: tuple[Floor, ...] | Missing
    trainable: float | Missing
    macs: float | Missing
    latency_s: float | Missing
    latency_ci99_s: Interval | Missing
    tensor_peak_bytes: float | Missing

    @property
    def noisy(self) -> bool:
        """Was any seed timed while the machine was noisy?"""
        return any(map(disturbed, self.cases))

    @property
    def provenance(self) -> Provenance | Missing:
        """Of the first seed; the others have the same teachers, by name, and the same settings."""
        return self.cases[0].model.provenance

    @property
    def headline(self) -> float:
        """What models are ordered by."""
        found = self.accuracy.get(HEADLINE)
        return 0.0 if found is None else found.mean

    def best_floor(self, metric: Metric) -> tuple[str, float] | Missing:
        """Name and value of the highest floor of a metric."""
        if isinstance(self.floors, Missing):
            return self.floors
        found = [(floor.name, floor.percent[metric]) for floor in self.floors if metric in floor.percent]
        return max(found, key=lambda pair: pair[1], default=ABSENT)


def is_synthetic(quality: Quality) -> bool:
    """Was the accuracy measured on generated videos? It then says nothing about real video."""
    name = quality.dataset
    return quality.synthetic is True or name == "smoke" or name.startswith("synth-")


def trained_models(cases: Iterable[CaseRecord]) -> tuple[Trained, ...]:
    """One entry a model, training, dataset and way of running it, in the order of the cases."""
    groups: dict[tuple[object, ...], list[tuple[CaseRecord, Quality]]] = {}
    for case in cases:
        if case.status == "ok" and not isinstance(case.quality, Missing):
            groups.setdefault(_key(case, case.quality), []).append((case, case.quality))
    return tuple(_together(seeds) for seeds in groups.values())


def _key(case: CaseRecord, quality: Quality) -> tuple[object, ...]:
    """What must agree for two cases to be seeds of the same thing."""
    model = case.model
    made = known(model.provenance)
    teachers = None if made is None else tuple(teacher.name for teacher in made.teachers)
    training = (_tag(case), known(model.config_hash), known(model.recipe_hash), teachers)
    return (_scope(case, quality), model.name, model.role, *training)


def _scope(case: CaseRecord, quality: Quality) -> Scope:
    execution = case.execution
    return Scope(
        dataset=quality.dataset,
        synthetic=is_synthetic(quality),
        split=quality.split,
        protocol=known(quality.protocol) or "unknown",
        device=execution.device,
        dtype=execution.dtype,
        backend=execution.backend,
        threads=known(execution.threads) or 0,
        batch_size=case.workload.batch_size,
    )


def _tag(case: CaseRecord) -> str:
    """What tells this run's training apart: the end of the case's id, without its seed.

    The harness names the run's folder there when model, dataset and seed alone are ambiguous, as
    they are for ablations; such runs must not be averaged as if they were seeds of one another.
    """
    match = re.search(r"\|s\d+\|(.+)$", case.case_id)
    return re.sub(r"[-_.]?s(eed)?[-_.]?\d+$", "", match[1]) if match else ""


def _together(seeds: Sequence[tuple[CaseRecord, Quality]]) -> Trained:
    cases, qualities = [case for case, _ in seeds], [quality for _, quality in seeds]
    case, quality = seeds[0]
    accuracy = {metric: _spread(metric, qualities) for metric in METRICS}
    return Trained(
        scope=_scope(case, quality),
        identity=replace(identity(case, _tag(case)), num_clips=None),
        role=case.model.role,
        cases=tuple(cases),
        seeds=sum(len(known(quality.seeds) or (0,)) for quality in qualities),
        queries=quality.n,
        notes=known(quality.notes) or (),
        official=all(known(quality.official) for quality in qualities),
        accuracy={metric: spread for metric, spread in accuracy.items() if spread is not None},
        recall5=_mean([_recall5(quality) for quality in qualities]),
        kinds={name: _kind(name, qualities) for name in known(quality.by_kind) or ()},
        floors=of(quality.floors, _floors),
        trainable=_merged(fmean, cases, lambda case: of(case.params, lambda params: params.trainable)),
        macs=_merged(fmean, cases, macs),
        latency_s=_merged(median, cases, latency_s),
        latency_ci99_s=_merged(_envelope, cases, latency_ci99_s),
        tensor_peak_bytes=_merged(max, cases, lambda case: of(case.memory, lambda memory: memory.tensor_peak_bytes)),
    )


def _merged(
    combine: Callable[[Sequence[T]], T], cases: Sequence[CaseRecord], read: Callable[[CaseRecord], T | Missing]
) -> T | Missing:
    """A cost of several seeds as one figure; where no seed has it, the reason of the first."""
    values = [read(case) for case in cases]
    found = known_of(values)
    return combine(found) if found else values[0]


def _envelope(intervals: Sequence[Interval]) -> Interval:
    return (min(low for low, _ in intervals), max(high for _, high in intervals))


def _spread(metric: Metric, qualities: Sequence[Quality]) -> Spread | None:
    values = [value for quality in qualities if (value := metric.of(quality)) is not None]
    if not values:
        return None
    intervals = [metric.of(quality.ci95) for quality in qualities if not isinstance(quality.ci95, Missing)]
    bounds = [*values, *(bound for interval in intervals if interval for bound in interval)]
    return Spread(fmean(values), min(values), max(values), min(bounds), max(bounds))


def _recall5(quality: Quality) -> float | Missing:
    found = HEADLINE_OF_FIVE.at(known(quality.r5) or {})
    return ABSENT if found is None else found


def _kind(name: str, qualities: Sequence[Quality]) -> Kind:
    groups = [groups[name] for quality in qualities if name in (groups := known(quality.by_kind) or {})]
    return Kind(_mean([group.queries for group in groups]), _mean([_headline(group) for group in groups]))


def _headline(group: GroupAccuracy) -> float | Missing:
    found = HEADLINE.of(group)
    return ABSENT if found is None else found


def _mean(values: Sequence[float | Missing]) -> float | Missing:
    found = known_of(values)
    return fmean(found) if found else ABSENT


def _floors(floors: Mapping[str, GroupAccuracy]) -> tuple[Floor, ...]:
    """Of one run: floors belong to the data, so that all seeds have the same."""
    return tuple(
        Floor(name.replace("_", "-"), {m: value for m in METRICS if (value := m.of(floor)) is not None})
        for name, floor in floors.items()
    )

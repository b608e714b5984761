"""Trained models side by side: in tables by what they achieve, in figures by what they achieve for a cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.missing import Missing, known_of
from bench.record import Interval as Bounds
from bench.report.content.naming import labels
from bench.report.content.pareto import Interval, Point, Standing, standings
from bench.report.content.seeds import Scope, Spread, Trained
from bench.report.quantity import binary, prefix
from emtm.metrics.metric import HEADLINE, METRICS, Metric

K = TypeVar("K", Scope, tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Entry:
    """A trained model under the name that tells it apart from those it stands with."""

    label: str
    model: Trained


@dataclass(frozen=True, slots=True)
class Contest:
    """Models whose accuracies stand in one table, best first."""

    title: str
    """Of the dataset."""
    split: str
    protocol: str
    entries: tuple[Entry, ...]

    @property
    def metrics(self) -> list[Metric]:
        """Those that any of the models was scored with."""
        return [metric for metric in METRICS if any(metric in entry.model.accuracy for entry in self.entries)]


@dataclass(frozen=True, slots=True)
class Cost:
    """A horizontal axis: its title, how it is read, its unit, and the multiples which that unit comes in."""

    title: str
    unit: str
    scale: Callable[[float], tuple[float, str]]
    value: Callable[[Trained], float | Missing]
    interval: Callable[[Trained], Bounds | Missing] = lambda model: Missing("exact")
    timed: bool = False
    """May it be too long where the machine was noisy?"""


COSTS = (
    Cost("Latency of one query", "s", prefix, lambda m: m.latency_s, lambda m: m.latency_ci99_s, timed=True),
    Cost("MACs of one query", " MACs", prefix, lambda m: m.macs),
    Cost("Trainable parameters", " parameters", prefix, lambda m: m.trainable),
    Cost("Peak tensor memory", "", binary, lambda m: m.tensor_peak_bytes),
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A model among others: what it achieves for one cost."""

    entry: Entry
    point: Point
    standing: Standing


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """Models of one scope, against every cost that any of them has."""

    scope: Scope
    entries: tuple[Entry, ...]
    panels: tuple[tuple[Cost, tuple[Placed, ...]], ...]

    @property
    def floors(self) -> list[tuple[str, float]]:
        """Name and value of the highest floor of each model's data."""
        return known_of(entry.model.best_floor(HEADLINE) for entry in self.entries)


def contests(models: Sequence[Trained]) -> tuple[Contest, ...]:
    """By dataset, split and protocol, in the order of their names."""
    groups = _grouped(models, lambda model: (model.scope.title, model.scope.split, model.scope.protocol))
    return tuple(Contest(title, split, protocol, _best_first(group)) for (title, split, protocol), group in groups)


def kind_contests(models: Sequence[Trained]) -> tuple[Contest, ...]:
    """By dataset and protocol alone: those whose queries are of several kinds."""
    groups = _grouped(models, lambda model: (model.scope.title, model.scope.protocol))
    found = (Contest(title, "", protocol, _best_first(group)) for (title, protocol), group in groups)
    return tuple(contest for contest in found if len(kinds_of(contest)) > 1)


def kinds_of(contest: Contest) -> dict[str, float]:
    """Queries by kind, the most frequent kind first."""
    found = {
        name: kind.queries
        for entry in contest.entries
        for name, kind in entry.model.kinds.items()
        if not isinstance(kind.queries, Missing)
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def tradeoffs(models: Sequence[Trained]) -> tuple[Tradeoff, ...]:
    """By scope, in order."""
    groups = _grouped([model for model in models if HEADLINE in model.accuracy], lambda model: model.scope)
    return tuple(_tradeoff(scope, _named(group)) for scope, group in groups)


def _grouped(models: Sequence[Trained], key: Callable[[Trained], K]) -> list[tuple[K, list[Trained]]]:
    groups: dict[K, list[Trained]] = {}
    for model in models:
        groups.setdefault(key(model), []).append(model)
    return sorted(groups.items(), key=lambda item: item[0])


def _named(models: Sequence[Trained]) -> tuple[Entry, ...]:
    names = labels([model.identity for model in models])
    return tuple(Entry(label, model) for label, model in zip(names, models, strict=True))


def _best_first(models: Sequence[Trained]) -> tuple[Entry, ...]:
    return _named(sorted(models, key=lambda model: -model.headline))


def _tradeoff(scope: Scope, entries: tuple[Entry, ...]) -> Tradeoff:
    panels = ((cost, _placed(cost, entries)) for cost in COSTS)
    return Tradeoff(scope, entries, tuple((cost, placed) for cost, placed in panels if placed))


def _placed(cost: Cost, entries: Sequence[Entry]) -> tuple[Placed, ...]:
    known = [
        (entry, Point(_bounded(value, cost.interval(entry.model)), _gain(entry.model.accuracy[HEADLINE])))
        for entry in entries
        if not isinstance(value := cost.value(entry.model), Missing)
    ]
    sure = [pair for pair in known if not (cost.timed and pair[0].model.noisy)]
    states = dict(zip((id(point) for _, point in sure), standings([point for _, point in sure]), strict=True))
    return tuple(Placed(entry, point, states.get(id(point), Standing.NOISY)) for entry, point in known)


def _bounded(value: float, bounds: Bounds | Missing) -> Interval:
    low, high = (value, value) if isinstance(bounds, Missing) else bounds
    return Interval(min(low, value), value, max(high, value))


def _gain(spread: Spread) -> Interval:
    return Interval(spread.low, spread.mean, spread.high)

"""The figures of a case that have a history, and how each is read from a run file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bench.compare.exact import FIGURES
from bench.missing import Missing, known, known_of, of
from bench.record import CaseRecord, Interval, Quality, Reference
from bench.run import Run
from emtm.metrics.metric import METRICS, Metric

Kind = Literal["time", "noisy", "accuracy", "exact"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a case."""

    name: str
    unit: str
    kind: Kind
    """`time`: a ratio to the reference product; `noisy`: in a unit of its own, comparable on one machine alone;
    `accuracy`: with an interval over queries; `exact`: any change is a change."""
    lower_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure in one run."""

    value: float
    interval: Interval | None = None
    basis: str = ""
    """What the value is relative to: values on another basis do not continue a series."""
    seconds: float | None = None
    """Of a time, as it was measured."""


PRODUCTS = "reference products"
"""Times are told in multiples of the time of a fixed matrix product."""
_TIMED = {"single_stream": "latency", "train_step": "training step", "end_to_end": "end to end"}
"""What the time beside the reference product is, by scenario."""
_EXACT = tuple(figure for figure in FIGURES if figure.better != "none")
"""Of the others a change means nothing by itself."""
_LARGEST = 1e30
_WIDEST = 60.0
"""Logarithm of an interval's end over its value; more would overflow."""

MEASURES = (
    *(Measure(name, PRODUCTS, "time") for name in _TIMED.values()),
    Measure("evaluation of the split", PRODUCTS, "time"),
    Measure("energy of a query", "J", "noisy"),
    *(Measure(metric.title, "%", "accuracy", lower_is_better=False) for metric in METRICS),
    *(Measure(figure.name, figure.unit, "exact", figure.better == "lower") for figure in _EXACT),
)
"""All but the rates at the batch sizes, which differ from case to case."""

Readings = Mapping[str, Reading | Missing]
"""By the name of the measure; a rate by `batched(size)`."""


def batched(size: int) -> Measure:
    """Time of a query among `size` that are answered together."""
    return Measure(f"query in a batch of {size}", PRODUCTS, "time")


def readings(case: CaseRecord, run: Run) -> Readings:
    """Every figure that the case has, or should have, in this run."""
    found = dict(_readings(case, _product(case, run)))
    return {name: _drawable(reading) for name, reading in found.items()}


def batch_sizes(case: CaseRecord) -> tuple[int, ...]:
    """Batch sizes at which a rate was measured."""
    if isinstance(case.throughput, Missing):
        return ()
    return tuple(point.batch for point in case.throughput.curve if not isinstance(point.value, Missing))


def _readings(case: CaseRecord, product: _Product | Missing) -> Iterator[tuple[str, Reading | Missing]]:
    if case.workload.scenario in _TIMED:
        yield _TIMED[case.workload.scenario], _timed(case)
    if not isinstance(case.throughput, Missing):
        for point in case.throughput.curve:
            yield batched(point.batch).name, _rate(point.value, known(point.ci99), product)
    yield "evaluation of the split", _relative(of(case.evaluation, lambda cost: cost.seconds), product)
    yield "energy of a query", _plain(of(case.energy, lambda energy: energy.joules_per_query))
    for metric in METRICS:
        yield metric.title, _accuracy(case.quality, metric)
    for figure in _EXACT:
        yield figure.name, _plain(figure.read(case))


@dataclass(frozen=True, slots=True)
class _Product:
    """The reference product: how long it took, with its interval, and which it was."""

    seconds: float
    interval: Interval | None
    basis: str


def _timed(case: CaseRecord) -> Reading | Missing:
    """The time over that of one reference product.

    Not `reference.ratio`, which is a ratio to the model's own multiply-adds at the product's speed: a model that
    does twice the work in twice the time keeps it.
    """
    reference = case.reference
    if isinstance(reference, Missing):
        return reference
    floors = reference.floor_s / reference.gemm_s
    ratios = known(reference.ratio_ci99)
    interval = None if ratios is None else (ratios[0] * floors, ratios[1] * floors)
    basis = _basis(reference)
    return Reading(reference.measured_s / reference.gemm_s, interval, basis, reference.measured_s)


def _product(case: CaseRecord, run: Run) -> _Product | Missing:
    """The product timed beside the case; that of the run where the case has none."""
    reference = case.reference
    if not isinstance(reference, Missing):
        basis = _basis(reference)
        return _Product(reference.gemm_s, known(reference.gemm_ci99_s), basis)
    rate = run.env.volatile.reference
    others = known_of(other.reference for other in run.cases)
    like = next((other for other in others if not isinstance(other.gemm_shape, Missing)), None)
    if isinstance(rate, Missing) or rate.gemm_gflops <= 0 or like is None:
        return Missing("no reference product was timed in this run")
    shape = known(like.gemm_shape) or ()
    like = replace(like, num_threads=rate.num_threads)
    return _Product(2e-9 * math.prod(shape) / rate.gemm_gflops, None, _basis(like))


def _basis(reference: Reference) -> str:
    """Times in units of products that other libraries took are not of one kind."""
    shape, threads, library = known(reference.gemm_shape), known(reference.num_threads), known(reference.route)
    by = f" by {library}" if library else ""
    return f"product of {'×'.join(map(str, shape or ('?',)))}{by}, threads {threads or '?'}"


def _rate(rate: float | Missing, rates: Interval | None, product: _Product | Missing) -> Reading | Missing:
    """Seconds a query, the inverse of a throughput."""
    if isinstance(rate, Missing):
        return rate
    if isinstance(product, Missing):
        return product
    value, interval = 1 / rate / product.seconds, None
    if rates is not None and product.interval is not None and min(*rates, *product.interval) > 0:
        # The product was timed apart from the queries, so their uncertainties add like those of a quotient.
        low = math.hypot(math.log(rate / rates[1]), math.log(product.seconds / product.interval[1]))
        high = math.hypot(math.log(rate / rates[0]), math.log(product.seconds / product.interval[0]))
        interval = (value * math.exp(-low), value * math.exp(min(high, _WIDEST)))
    return Reading(value, interval, product.basis, 1 / rate)


def _relative(seconds: float | Missing, product: _Product | Missing) -> Reading | Missing:
    if isinstance(seconds, Missing):
        return seconds
    if isinstance(product, Missing):
        return product
    return Reading(seconds / product.seconds, None, product.basis, seconds)


def _accuracy(quality: Quality | Missing, metric: Metric) -> Reading | Missing:
    """With its interval over queries where the run has one."""
    if isinstance(quality, Missing):
        return quality
    if quality.source != "measured":
        return Missing("published, not measured")
    value, intervals = metric.of(quality), known(quality.ci95)
    if value is None:
        return Missing(f"{metric.title} was not computed")
    return Reading(value, None if intervals is None else metric.of(intervals))


def _plain(value: object) -> Reading | Missing:
    if isinstance(value, Missing):
        return value
    return Reading(value) if isinstance(value, int | float) else Missing("not a number")


def _drawable(reading: Reading | Missing) -> Reading | Missing:
    """Quotients of the tiniest numbers overflow, and JSON's integers have no limit; neither can be drawn."""
    if isinstance(reading, Missing):
        return reading
    numbers = (reading.value, *(reading.interval or ()))
    return reading if all(abs(number) < _LARGEST for number in numbers) else Missing("not a sensible number")

"""Times: compared in units of the reference product that was timed beside them, never in seconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bench.disturbance import noises
from bench.missing import Missing, known
from bench.record import CaseRecord, Interval, Reference, ThroughputPoint


@dataclass(frozen=True, slots=True)
class Timing:
    """A time as the logarithm of the multiply-adds that the reference product does in it."""

    seconds: float
    """Of one call, or of one query; shown, not compared."""
    log: float
    log_interval: Interval | None
    """99 %, from the samples; None where there are too few."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One kind of time."""

    name: str
    read: Callable[[Sequence[CaseRecord]], list[Timing | Missing]]
    """The times of cases that are to be compared with each other."""


def _beside_reference(case: CaseRecord, seconds: float | Missing) -> Timing | Missing:
    """A time that the reference block is about.

    Its ratio is to the case's own multiply-adds, so a model that does twice the work in twice the time has the
    same: they are multiplied in again.
    """
    reference = case.reference
    if isinstance(seconds, Missing):
        return seconds
    if isinstance(reference, Missing):
        return Missing(f"no reference product was timed beside it: {reference.reason}")
    shift = math.log(reference.macs)
    ends = known(reference.ratio_ci99)
    interval = None if ends is None else (shift + math.log(ends[0]), shift + math.log(ends[1]))
    return Timing(seconds, shift + math.log(reference.ratio), interval)


def _latency(case: CaseRecord) -> Timing | Missing:
    return _beside_reference(case, case.latency if isinstance(case.latency, Missing) else case.latency.median)


def _training_step(case: CaseRecord) -> Timing | Missing:
    return _beside_reference(case, case.training if isinstance(case.training, Missing) else case.training.step_s)


def _end_to_end(case: CaseRecord) -> Timing | Missing:
    block = case.end_to_end
    return _beside_reference(case, block if isinstance(block, Missing) else block.total.median)


def _at_the_knee(cases: Sequence[CaseRecord]) -> list[Timing | Missing]:
    """Seconds a query at the largest of the cases' knees, or else at the largest batch size that all of them ran.

    At batch sizes of their own they would differ by what the batch makes, and a rate at any size can be the best.
    """
    curves = [
        {} if isinstance(case.throughput, Missing) else {p.batch: p for p in case.throughput.curve if known(p.value)}
        for case in cases
    ]
    shared = set.intersection(*map(set, curves))
    knees = [case.throughput.knee_batch for case in cases if not isinstance(case.throughput, Missing)]
    batch = max(knees, default=0)
    batch = batch if batch in shared else max(shared, default=0)
    return [_rate(case, curve.get(batch)) for case, curve in zip(cases, curves, strict=True)]


def _rate(case: CaseRecord, point: ThroughputPoint | None) -> Timing | Missing:
    """The product was timed in the same minute, not in turn with it."""
    throughput, reference = case.throughput, case.reference
    if isinstance(throughput, Missing):
        return throughput
    rate = None if point is None else known(point.value)
    if point is None or rate is None:
        return Missing("no batch size was run by all")
    if isinstance(reference, Missing):
        return Missing(f"no reference product was timed in this case: {reference.reason}")
    log = math.log(reference.gemm_macs_per_s / rate)
    return Timing(1 / rate, log, _rate_interval(log, rate, known(point.ci99), reference))


def _rate_interval(log: float, rate: float, ends: Interval | None, reference: Reference) -> Interval | None:
    gemm = known(reference.gemm_ci99_s)
    if ends is None or gemm is None:
        return None
    product = (math.log(reference.gemm_s / gemm[1]), math.log(reference.gemm_s / gemm[0]))
    query = (math.log(rate / ends[1]), math.log(rate / ends[0]))
    return log - math.hypot(product[0], query[0]), log + math.hypot(product[1], query[1])


FIGURES = (
    Figure("latency", lambda cases: [_latency(case) for case in cases]),
    Figure("time per query at the knee", _at_the_knee),
    Figure("training step", lambda cases: [_training_step(case) for case in cases]),
    Figure("end to end", lambda cases: [_end_to_end(case) for case in cases]),
)


def unsteady(case: CaseRecord) -> str:
    """Why a case's times carry no verdict; empty where the machine was quiet."""
    if isinstance(case.noise, Missing):
        return f"whether the machine was quiet is not known: {case.noise.reason}"
    noise = next((noise for noise in noises(case) if noise.verdict != "quiet"), None)
    if noise is None:
        return ""
    shares = (("stolen", known(noise.steal_pct)), ("waited for a CPU", known(noise.cpu_pressure_pct)))
    said = [f"{share:.1f} % of the time {what}" for what, share in shares if share is not None]
    drift = known(noise.reference_drift)
    said += [] if drift is None else [f"the reference product drifted ×{drift:.2f}"]
    return f"{noise.verdict} ({', '.join(said)})"


def twins(cases: Iterable[CaseRecord], figure: Figure) -> list[Sequence[float]]:
    """Logarithms of times of cases that are one network on one workload, group by group."""
    groups: dict[object, list[CaseRecord]] = {}
    for case in cases:
        key = _network(case)
        if case.status == "ok" and key is not None and not unsteady(case):
            groups.setdefault(key, []).append(case)
    times = [[time.log for time in figure.read(group) if isinstance(time, Timing)] for group in groups.values()]
    return [group for group in times if len(group) > 1]


def _network(case: CaseRecord) -> object:
    """Equal for cases that execute the same operators on the same sizes; None where that is not known.

    At inference models are one network when all their counts are equal: a method that only trains another
    differently is its twin. A training step executes more than was counted, so there the configurations must be
    equal.
    """
    workload, execution = case.workload, case.execution
    sizes = (
        workload.batch_size,
        known(workload.num_clips),
        known(workload.num_words),
        known(workload.queries_per_video),
    )
    run = (execution.device, execution.dtype, execution.backend, execution.mode, known(execution.threads))
    where = (workload.dataset, workload.scenario, sizes, run)
    if execution.mode == "train":
        config = known(case.model.config_hash)
        return None if config is None else (where, case.model.base, config, known(case.model.recipe_hash))
    params, compute = known(case.params), known(case.compute)
    if params is None or compute is None:
        return None
    counts = (params.total, params.trainable, params.embedding, compute.macs)
    return where, counts, known(compute.flops_norm), known(compute.flops_elementwise)

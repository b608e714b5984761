"""Times that follow from the samples beside them, and the marks of noise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bench import stats
from bench.consistency.counted import coverage_follows
from bench.consistency.follows import ROUNDING, Complaints, contains, follows, interval_follows
from bench.instruments.noise import DRIFT_LIMIT, PRESSURE_LIMIT_PCT, STEAL_LIMIT_PCT
from bench.missing import Missing, known
from bench.record import CaseRecord, EndToEnd, EvaluationCost, Latency, Noise, PassStage, Reference, Repeats, Training

_PERCENTILES = {"p90": 90.0, "p95": 95.0, "p99": 99.0}


def timed(case: CaseRecord) -> Complaints:
    """Of a case's times."""
    if latency := known(case.latency):
        yield from _latency(latency)
    if repeats := known(case.repeats):
        yield from _repeats(repeats, known(case.latency))
    if training := known(case.training):
        yield from _training(training, case.workload.batch_size)
    if end_to_end := known(case.end_to_end):
        yield from _end_to_end(end_to_end)
    if reference := known(case.reference):
        yield from _reference(reference, case)
    if noise := known(case.noise):
        yield from noise_follows(noise, known(case.reference), "noise")
    if evaluation := known(case.evaluation):
        yield from _evaluation(evaluation)


def _latency(latency: Latency) -> Complaints:
    if any(sample <= 0 for sample in latency.samples):
        yield "latency.samples holds a time that is not positive"
        return
    again = stats.summarise(latency.samples)
    if latency.n != again.n:
        yield f"latency.n is {latency.n}, and there are {again.n} samples"
    for name in ("median", "mean", "min", "max", "outliers", "iqr"):
        yield from follows(f"latency.{name}", getattr(latency, name), getattr(again, name))
    yield from interval_follows("latency.median_ci99", latency.median_ci99, again.median_ci99)
    for name, rank in _PERCENTILES.items():
        yield from follows(f"latency.{name}", getattr(latency, name), stats.percentile(latency.samples, rank))


def _repeats(repeats: Repeats, latency: Latency | None) -> Complaints:
    for name, values in (("medians", repeats.medians), ("reference_s", repeats.reference_s)):
        if len(values) != len(repeats.processes):
            yield f"repeats.{name} has {len(values)} values of {len(repeats.processes)} processes"
    mean, interval = stats.geometric_mean(repeats.medians)
    yield from follows("repeats.mean", repeats.mean, mean)
    yield from interval_follows("repeats.mean_ci99", repeats.mean_ci99, interval)
    first = dict(zip(repeats.processes, repeats.medians, strict=False)).get(1)
    if first is not None and latency is not None:
        yield from follows("the first of repeats.medians", first, latency.median)


def _training(training: Training, batch_size: int) -> Complaints:
    yield from follows("training.samples_per_s", training.samples_per_s, batch_size / training.step_s)
    if not isinstance(training.compute, Missing):
        yield from coverage_follows("training.compute.coverage", training.compute.coverage)
    samples = known(training.samples)
    if samples is None:
        return
    again = stats.summarise(samples)
    if known(training.n) not in (None, again.n):
        yield f"training.n is {known(training.n)}, and there are {again.n} samples"
    yield from follows("training.step_s", training.step_s, again.median)
    yield from interval_follows("training.step_ci99_s", training.step_ci99_s, again.median_ci99)


def _end_to_end(measured: EndToEnd) -> Complaints:
    passes = {name: len(samples) for name, samples in measured.samples.items()}
    if set(passes.values()) != {measured.n}:
        yield f"end_to_end.n is {measured.n}, and the samples are {passes}"
        return
    if set(passes) != {*measured.stages, "total"}:
        yield "end_to_end.samples are not those of its stages and of the total"
        return
    stages = [measured.samples[name] for name in measured.stages]
    if not np.allclose(np.sum(stages, 0), measured.samples["total"], rtol=ROUNDING, atol=0):
        yield "end_to_end: the stages of a pass do not add up to its total"
    for name, stage in {**measured.stages, "total": measured.total}.items():
        yield from _pass_stage(f"end_to_end.{name}", stage, measured.samples[name], measured.total.median)


def _pass_stage(where: str, stage: PassStage, samples: Sequence[float], total_s: float) -> Complaints:
    again = stats.summarise(samples)
    yield from follows(f"{where}.median", stage.median, again.median)
    yield from follows(f"{where}.share_pct", stage.share_pct, min(100.0, 100 * again.median / total_s))
    yield from interval_follows(f"{where}.median_ci99", stage.median_ci99, again.median_ci99)


def _reference(reference: Reference, case: CaseRecord) -> Complaints:
    rate = reference.gemm_macs_per_s
    shape = known(reference.gemm_shape)
    if shape is not None:
        yield from follows("reference.gemm_macs_per_s", rate, math.prod(shape) / reference.gemm_s)
    yield from follows("reference.floor_s", reference.floor_s, reference.macs / rate)
    yield from contains("reference.ratio_ci99", known(reference.ratio_ci99), reference.ratio)
    yield from contains("reference.gemm_ci99_s", known(reference.gemm_ci99_s), reference.gemm_s)
    compute, backbone = known(case.compute), known(case.backbone)
    if compute is not None and case.execution.mode == "infer":
        macs = compute.macs + (backbone.macs if backbone else 0)
        yield from follows("reference.macs", reference.macs, macs)
    samples = _timed(case)
    if samples is None:
        return
    # The file keeps the upper of two middle samples here, and a ratio of medians.
    yield from follows("reference.measured_s", reference.measured_s, sorted(samples)[len(samples) // 2])
    low = float(np.median(samples)) / reference.floor_s
    gemm = known(reference.gemm_ci99_s)
    high = low * (reference.gemm_s / gemm[0] if gemm else math.inf)
    if not low * (1 - ROUNDING) <= reference.ratio <= high * (1 + ROUNDING):
        yield f"reference.ratio is {reference.ratio}, and the samples give {low}"


def _timed(case: CaseRecord) -> Sequence[float] | None:
    """The samples that the reference product was timed beside."""
    for block in (known(case.latency), known(case.training)):
        if block is not None:
            return known(block.samples)
    end_to_end = known(case.end_to_end)
    return None if end_to_end is None else end_to_end.samples.get("total")


def noise_follows(noise: Noise, reference: Reference | None, where: str) -> Complaints:
    """A verdict of quiet keeps the limits; `reference` is None where no product was timed beside it."""
    drift = known(noise.reference_drift)
    if reference is not None and drift is not None:
        yield from follows(f"{where}.reference_drift", drift, known(reference.drift))
    disturbed = (
        (known(noise.steal_pct) or 0) > STEAL_LIMIT_PCT
        or (known(noise.cpu_pressure_pct) or 0) > PRESSURE_LIMIT_PCT
        or (drift is not None and abs(drift - 1) > DRIFT_LIMIT)
    )
    if disturbed and noise.verdict == "quiet":
        yield f"{where}.verdict is quiet, and its figures are over the limits"


def _evaluation(evaluation: EvaluationCost) -> Complaints:
    scale = evaluation.queries / evaluation.queries_measured
    yield from follows("evaluation.seconds", evaluation.seconds, evaluation.seconds_measured * scale)

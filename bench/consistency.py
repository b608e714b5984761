"""Whether a run file agrees with itself: what follows from its raw samples and counts is computed anew.

The schema says what may stand in a file; this says that the figures in it belong together, so that a file
that was edited by hand, or put together from two, is not compared with anything.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench import stats
from bench.codec import encode
from bench.instruments.noise import DRIFT_LIMIT, PRESSURE_LIMIT_PCT, STEAL_LIMIT_PCT
from bench.instruments.throughput import KNEE
from bench.missing import Block, Missing, known
from bench.record import (
    Backbone,
    CaseRecord,
    Compute,
    Coverage,
    EndToEnd,
    EvaluationCost,
    Growth,
    GrowthPoint,
    Interval,
    Latency,
    Memory,
    Noise,
    Params,
    PassStage,
    Quality,
    QueryScores,
    Reference,
    Repeats,
    Reuse,
    ReusePoint,
    Roof,
    Throughput,
    Training,
)
from bench.results import SchemaInvalidError, read_run
from bench.run import Environment, Run
from emtm.metrics.conventions import compared_by
from emtm.metrics.means import Means
from emtm.metrics.metric import Metric

Complaints = Iterator[str]

_DTYPES = {"float32": "fp32", "float64": "fp64", "float16": "fp16", "bfloat16": "bf16"}
_PERCENTILES = {"p90": 90.0, "p95": 95.0, "p99": 99.0}
_ROUNDING = 1e-9
"""Relative: another order of additions may change the last digits of a mean."""


def read_consistent(path: Path) -> Run:
    """The run in a file as `read_run` reads it; raises SchemaInvalidError too where it contradicts itself."""
    run = read_run(path)
    for complaint in contradictions(run):
        raise SchemaInvalidError(f"{path} contradicts itself: {complaint}")
    return run


def contradictions(run: Run) -> Complaints:
    """What in a run file cannot be true together, each as a clause."""
    if run.run_id.partition("-")[0] != run.created_utc.replace("-", "").replace(":", ""):
        yield f"run_id {run.run_id} does not begin with the time in created_utc, {run.created_utc}"
    if run.env.fingerprint != fingerprint(run.env):
        yield "env.fingerprint is not that of the hardware, software and settings beside it"
    for case in run.cases:
        for complaint in _case(case):
            yield f"case '{case.case_id}': {complaint}"


def fingerprint(env: Environment) -> str:
    """The fingerprint that hardware, software and settings have as they stand in a file."""
    blocks: dict[str, Block] = {"hardware": env.hardware, "software": env.software, "settings": env.settings}
    text = json.dumps({name: encode(block) for name, block in blocks.items()}, sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _case(case: CaseRecord) -> Complaints:
    yield from _name(case)
    yield from _ordered(case, "")
    if params := known(case.params):
        yield from _params(params)
    if compute := known(case.compute):
        yield from _compute(compute)
    if backbone := known(case.backbone):
        yield from _backbone(backbone)
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
        yield from _noise(noise, known(case.reference), "noise")
    if throughput := known(case.throughput):
        yield from _throughput(throughput)
        if noise := known(throughput.noise):
            yield from _noise(noise, None, "throughput.noise")
    if reuse := known(case.reuse):
        yield from _reuse(reuse)
        if noise := known(reuse.noise):
            yield from _noise(noise, None, "reuse.noise")
    if growth := known(case.growth):
        yield from _growth(growth)
        if noise := known(growth.noise):
            yield from _noise(noise, None, "growth.noise")
    if roofline := known(case.roofline):
        for name, roof in {"whole": roofline.whole, **roofline.by_stage}.items():
            yield from _roof(name, roof)
        if noise := known(roofline.noise):
            yield from _noise(noise, None, "roofline.noise")
    if memory := known(case.memory):
        yield from _memory(memory)
    if evaluation := known(case.evaluation):
        yield from _evaluation(evaluation)
    if quality := known(case.quality):
        yield from _quality(quality, case)


def _name(case: CaseRecord) -> Complaints:
    """The name is made of the fields, so that equal names mean the same measurement."""
    parts = case.case_id.split("|")
    model, workload, execution = case.model, case.workload, case.execution
    fields = [model.name, workload.dataset, workload.scenario]
    if parts[3:] != ["unavailable"]:
        fields += [execution.device, _DTYPES.get(execution.dtype, execution.dtype), execution.backend]
        fields += [f"t{known(execution.threads)}", f"b{workload.batch_size}", f"l{known(workload.num_clips)}"]
        fields += [f"s{known(model.seed)}"] if model.weights_kind == "trained" else []
    for part, field in zip(parts, fields, strict=False):
        if part != field:
            yield f"its name says '{part}' where its fields say '{field}'"
    if len(parts) < len(fields):
        yield f"its name lacks '{fields[len(parts)]}'"


def _ordered(block: Block, where: str) -> Complaints:
    """Every interval of a block, nested ones included: low end first."""
    for field in dataclasses.fields(block):
        name, value = field.name, getattr(block, field.name)
        place = f"{where}.{name}" if where else name
        if isinstance(value, Block):
            yield from _ordered(value, place)
        elif "ci9" in name and isinstance(value, tuple) and value[0] > value[1]:
            yield f"{place} ends below its beginning"
        elif isinstance(value, Mapping):
            for key, item in value.items():
                if isinstance(item, Block):
                    yield from _ordered(item, f"{place}.{key}")


def _params(params: Params) -> Complaints:
    if params.total != params.trainable + params.frozen:
        yield "params.total is not trainable and frozen together"
    if max(params.embedding, known(params.unreachable) or 0) > params.total:
        yield "params: a part is larger than the total"


def _compute(compute: Compute) -> Complaints:
    if compute.flops != 2 * compute.macs:
        yield "compute.flops is not twice compute.macs"
    if sum(stage.macs for stage in compute.by_stage.values()) != compute.macs:
        yield "the stages' multiply-adds do not add up to compute.macs"
    if (known(compute.query_independent_macs) or 0) > compute.macs:
        yield "compute.query_independent_macs is more than compute.macs"
    yield from _coverage("compute.coverage", compute.coverage)
    cross = known(compute.crosscheck)
    fvcore = None if cross is None else known(cross.fvcore_macs)
    if cross is not None and fvcore is not None:
        products = fvcore - (known(cross.fvcore_norm_flops) or 0)
        if cross.agrees != (products == compute.macs):
            yield "compute.crosscheck.agrees is not what its figures say"


def _coverage(where: str, coverage: Coverage) -> Complaints:
    total, costed = known(coverage.calls_total), known(coverage.calls_costed)
    if total is not None and costed is not None:
        yield from _follows(f"{where}.covered_pct", coverage.covered_pct, 100 * costed / total if total else 100)
        uncounted = sum(op.calls for op in coverage.ops_uncounted)
        if total - costed != uncounted:
            yield f"{where} lists {uncounted} calls without a cost and counts {total - costed}"


def _backbone(backbone: Backbone) -> Complaints:
    if backbone.macs != backbone.macs_per_frame * backbone.frames:
        yield "backbone.macs is not that of its frames"


def _latency(latency: Latency) -> Complaints:
    if any(sample <= 0 for sample in latency.samples):
        yield "latency.samples holds a time that is not positive"
        return
    again = stats.summarise(latency.samples)
    if latency.n != again.n:
        yield f"latency.n is {latency.n}, and there are {again.n} samples"
    for name in ("median", "mean", "min", "max", "outliers", "iqr"):
        yield from _follows(f"latency.{name}", getattr(latency, name), getattr(again, name))
    yield from _interval_follows("latency.median_ci99", latency.median_ci99, again.median_ci99)
    for name, rank in _PERCENTILES.items():
        yield from _follows(f"latency.{name}", getattr(latency, name), stats.percentile(latency.samples, rank))


def _repeats(repeats: Repeats, latency: Latency | None) -> Complaints:
    for name, values in (("medians", repeats.medians), ("reference_s", repeats.reference_s)):
        if len(values) != len(repeats.processes):
            yield f"repeats.{name} has {len(values)} values of {len(repeats.processes)} processes"
    mean, interval = stats.geometric_mean(repeats.medians)
    yield from _follows("repeats.mean", repeats.mean, mean)
    yield from _interval_follows("repeats.mean_ci99", repeats.mean_ci99, interval)
    first = dict(zip(repeats.processes, repeats.medians, strict=False)).get(1)
    if first is not None and latency is not None:
        yield from _follows("the first of repeats.medians", first, latency.median)


def _training(training: Training, batch_size: int) -> Complaints:
    yield from _follows("training.samples_per_s", training.samples_per_s, batch_size / training.step_s)
    if not isinstance(training.compute, Missing):
        yield from _coverage("training.compute.coverage", training.compute.coverage)
    samples = known(training.samples)
    if samples is None:
        return
    again = stats.summarise(samples)
    if known(training.n) not in (None, again.n):
        yield f"training.n is {known(training.n)}, and there are {again.n} samples"
    yield from _follows("training.step_s", training.step_s, again.median)
    yield from _interval_follows("training.step_ci99_s", training.step_ci99_s, again.median_ci99)


def _end_to_end(measured: EndToEnd) -> Complaints:
    passes = {name: len(samples) for name, samples in measured.samples.items()}
    if set(passes.values()) != {measured.n}:
        yield f"end_to_end.n is {measured.n}, and the samples are {passes}"
        return
    if set(passes) != {*measured.stages, "total"}:
        yield "end_to_end.samples are not those of its stages and of the total"
        return
    stages = [measured.samples[name] for name in measured.stages]
    if not np.allclose(np.sum(stages, 0), measured.samples["total"], rtol=_ROUNDING, atol=0):
        yield "end_to_end: the stages of a pass do not add up to its total"
    for name, stage in {**measured.stages, "total": measured.total}.items():
        yield from _pass_stage(f"end_to_end.{name}", stage, measured.samples[name], measured.total.median)


def _pass_stage(where: str, stage: PassStage, samples: Sequence[float], total_s: float) -> Complaints:
    again = stats.summarise(samples)
    yield from _follows(f"{where}.median", stage.median, again.median)
    yield from _follows(f"{where}.share_pct", stage.share_pct, min(100.0, 100 * again.median / total_s))
    yield from _interval_follows(f"{where}.median_ci99", stage.median_ci99, again.median_ci99)


def _reference(reference: Reference, case: CaseRecord) -> Complaints:
    rate = reference.gemm_macs_per_s
    shape = known(reference.gemm_shape)
    if shape is not None:
        yield from _follows("reference.gemm_macs_per_s", rate, math.prod(shape) / reference.gemm_s)
    yield from _follows("reference.floor_s", reference.floor_s, reference.macs / rate)
    yield from _contains("reference.ratio_ci99", known(reference.ratio_ci99), reference.ratio)
    yield from _contains("reference.gemm_ci99_s", known(reference.gemm_ci99_s), reference.gemm_s)
    compute, backbone = known(case.compute), known(case.backbone)
    if compute is not None and case.execution.mode == "infer":
        macs = compute.macs + (backbone.macs if backbone else 0)
        yield from _follows("reference.macs", reference.macs, macs)
    samples = _timed(case)
    if samples is None:
        return
    # The file keeps the upper of two middle samples here, and a ratio of medians.
    yield from _follows("reference.measured_s", reference.measured_s, sorted(samples)[len(samples) // 2])
    low = float(np.median(samples)) / reference.floor_s
    gemm = known(reference.gemm_ci99_s)
    high = low * (reference.gemm_s / gemm[0] if gemm else math.inf)
    if not low * (1 - _ROUNDING) <= reference.ratio <= high * (1 + _ROUNDING):
        yield f"reference.ratio is {reference.ratio}, and the samples give {low}"


def _timed(case: CaseRecord) -> Sequence[float] | None:
    """The samples that the reference product was timed beside."""
    for block in (known(case.latency), known(case.training)):
        if block is not None:
            return known(block.samples)
    end_to_end = known(case.end_to_end)
    return None if end_to_end is None else end_to_end.samples.get("total")


def _noise(noise: Noise, reference: Reference | None, where: str) -> Complaints:
    drift = known(noise.reference_drift)
    if reference is not None and drift is not None:
        yield from _follows(f"{where}.reference_drift", drift, known(reference.drift))
    disturbed = (
        (known(noise.steal_pct) or 0) > STEAL_LIMIT_PCT
        or (known(noise.cpu_pressure_pct) or 0) > PRESSURE_LIMIT_PCT
        or (drift is not None and abs(drift - 1) > DRIFT_LIMIT)
    )
    if disturbed and noise.verdict == "quiet":
        yield f"{where}.verdict is quiet, and its figures are over the limits"


def _throughput(throughput: Throughput) -> Complaints:
    rates = {p.batch: rate for p in throughput.curve if (rate := known(p.value)) is not None and p.status == "ok"}
    if not rates:
        yield "throughput has a value, and its curve has none"
        return
    top = max(rates.values())
    yield from _follows("throughput.value", throughput.value, top)
    best = known(throughput.best_batch)
    if best is not None and rates.get(best) != top:
        yield f"throughput.best_batch is {best}, and the curve is highest elsewhere"
    knee = min(batch for batch, rate in rates.items() if rate >= KNEE * top)
    if throughput.knee_batch != knee:
        yield f"throughput.knee_batch is {throughput.knee_batch}, and the curve says {knee}"
    yield from _contains("throughput.ci99", known(throughput.ci99), throughput.value)
    for point in throughput.curve:
        rate, within = known(point.value), known(point.ci99)
        if rate is not None:
            yield from _contains(f"throughput.curve at batch {point.batch}: ci99", within, rate)


def _reuse(reuse: Reuse) -> Complaints:
    yield from _rising("reuse.curve", [point.queries for point in reuse.curve], "queries a video")
    for point in reuse.curve:
        yield from _timed_point(f"reuse.curve at {point.queries} queries", point)


def _rising(where: str, numbers: Sequence[int], unit: str) -> Complaints:
    if numbers != sorted(set(numbers)):
        yield f"{where} is at {numbers} {unit}: they rise, each once"


def _timed_point(where: str, point: ReusePoint | GrowthPoint) -> Complaints:
    seconds = known(point.value)
    if (point.status == "ok") != (seconds is not None):
        yield f"{where}: a value stands where it was timed, and nowhere else"
    if seconds is not None:
        yield from _contains(f"{where}: ci99", known(point.ci99), seconds)


def _growth(growth: Growth) -> Complaints:
    yield from _rising("growth.curve", [point.clips for point in growth.curve], "clips")
    for point in growth.curve:
        yield from _timed_point(f"growth.curve at {point.clips} clips", point)
    for name in ("time", "macs", "memory"):
        if power := known(getattr(growth, name)):
            yield from _contains(f"growth.{name}: ci95", known(power.ci95), power.value)


def _roof(name: str, roof: Roof) -> Complaints:
    least = {"compute": roof.compute_s, "memory": roof.memory_s, "dispatch": roof.dispatch_s}
    if least[roof.bound] < max(least.values()):
        yield f"roofline.{name}.bound is {roof.bound}, which is not the longest"
    if not math.isclose(roof.share * roof.measured_s, least[roof.bound], rel_tol=_ROUNDING):
        yield f"roofline.{name}.share is not that of {roof.bound}_s in measured_s"


def _memory(memory: Memory) -> Complaints:
    if memory.activation_peak_bytes > memory.tensor_peak_bytes:
        yield "memory.activation_peak_bytes is more than memory.tensor_peak_bytes"
    peak, baseline = known(memory.host_peak_bytes), known(memory.host_baseline_bytes)
    if peak is not None and baseline is not None and peak < baseline:
        yield "memory.host_peak_bytes is less than memory.host_baseline_bytes"


def _evaluation(evaluation: EvaluationCost) -> Complaints:
    scale = evaluation.queries / evaluation.queries_measured
    yield from _follows("evaluation.seconds", evaluation.seconds, evaluation.seconds_measured * scale)


def _quality(quality: Quality, case: CaseRecord) -> Complaints:
    if known(quality.queries) not in (None, quality.n):
        yield f"quality.queries is {known(quality.queries)}, and quality.n is {quality.n}"
    if quality.source == "measured" and case.model.weights_kind == "random":
        yield "quality is measured, and the weights are random"
    by_threshold = [value for _, value in sorted(quality.r1.items(), key=lambda item: float(item[0]))]
    if by_threshold != sorted(by_threshold, reverse=True):
        yield "quality.r1 grows with the threshold"
    for threshold, value in quality.r1.items():
        hits = value * quality.n / 100
        if quality.source == "measured" and abs(hits - round(hits)) > 1e-6:
            yield f"quality.r1.{threshold} is no whole number of {quality.n} queries"
        flat = quality.kept.extra.get(Metric("r1", float(threshold)).column, value)
        if flat != value:
            yield f"quality.r1.{threshold} is {value}, and once more {flat}"
    per_query = known(quality.per_query)
    if per_query is not None:
        yield from _per_query(per_query, quality)
    ci95 = known(quality.ci95)
    if ci95 is not None:
        yield from _contains("quality.ci95.miou", ci95.miou, quality.miou)
        for threshold, within in ci95.r1.items():
            yield from _contains(f"quality.ci95.r1.{threshold}", within, quality.r1.get(threshold, within[0]))


def _per_query(scores: QueryScores, quality: Quality) -> Complaints:
    if {len(scores.queries), len(scores.videos), len(scores.iou)} != {quality.n}:
        yield f"quality.per_query does not hold {quality.n} queries"
        return
    again = Means.of(np.array(scores.iou), compared_by(known(quality.comparison)))
    yield from _follows("quality.miou", quality.miou, again.miou)
    for threshold, value in quality.r1.items():
        yield from _follows(f"quality.r1.{threshold}", value, again.r1.get(threshold, value))


def _follows(name: str, stated: float | Missing | None, again: float | None) -> Complaints:
    """What the file states is what follows; what it does not state, or what cannot be known, passes."""
    if isinstance(stated, Missing) or stated is None:
        return
    if again is None:
        yield f"{name} is {stated}, and there are too few samples for it"
    elif not math.isclose(stated, again, rel_tol=_ROUNDING, abs_tol=1e-15):
        yield f"{name} is {stated}, and the file's own figures give {again}"


def _interval_follows(name: str, stated: Interval | Missing, again: Interval | None) -> Complaints:
    if isinstance(stated, Missing):
        return
    for i, end in enumerate(("low end", "high end")):
        yield from _follows(f"{name}'s {end}", stated[i], None if again is None else again[i])


def _contains(name: str, interval: Interval | None, value: float) -> Complaints:
    slack = _ROUNDING * abs(value)
    if interval is not None and not interval[0] - slack <= value <= interval[1] + slack:
        yield f"{name} does not contain its estimate, {value}"

"""Run files that agree with themselves, made from a few figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from bench import stats
from bench.consistency import fingerprint
from bench.missing import ABSENT, Missing
from bench.record import (
    CaseRecord,
    Compute,
    Coverage,
    Crosscheck,
    ExecutionRecord,
    Latency,
    Memory,
    Model,
    Noise,
    Params,
    Quality,
    QualityIntervals,
    QueryScores,
    Reference,
    StageCost,
    Throughput,
    ThroughputPoint,
    Training,
    UncountedOp,
    Workload,
)
from bench.results import write_run
from bench.run import Environment, Hardware, Run, Settings, Software, Suite, Volatile
from emtm.metrics.means import Means

GEMM_S = 2e-4
GEMM_SHAPE = (64, 1024, 128)
_RATE = 64 * 1024 * 128 / GEMM_S
MACS = 100_000_000


def case(
    name: str = "vslnet",
    dataset: str = "charades-sta",
    *,
    seconds: float = 0.01,
    width: float = 0.01,
    macs: int = MACS,
    stages: dict[str, int] | None = None,
    params: int = 1_000_000,
    costed: int = 100,
    noise: Literal["quiet", "noisy"] = "quiet",
    throughput: dict[int, float] | None = None,
    scenario: Literal["single_stream", "train_step"] = "single_stream",
    seed: int | None = None,
    quality: Quality | Missing = ABSENT,
    weights: str = "a" * 64,
) -> CaseRecord:
    """A case whose times lie within `width` of `seconds`; `throughput` is queries a second by batch size."""
    train = scenario == "train_step"
    samples = tuple(seconds * (1 + width * np.linspace(-1, 1, 65)))
    summary = stats.summarise(samples)
    assert summary.median_ci99 is not None
    timed = Latency(
        clock="perf_counter_ns",
        warmup=1,
        n=summary.n,
        median=summary.median,
        median_ci99=summary.median_ci99,
        mean=summary.mean,
        iqr=summary.iqr,
        min=summary.min,
        max=summary.max,
        outliers=summary.outliers,
        p90=stats.percentile(samples, 90.0) or Missing("too few"),
        samples=samples,
    )
    step = Training(
        step_s=summary.median,
        step_ci99_s=summary.median_ci99,
        samples_per_s=1 / summary.median,
        n=summary.n,
        samples=samples,
    )
    by_stage = stages if stages is not None else {"encode": macs - macs // 4, "decode": macs // 4}
    uncounted = (UncountedOp(op="aten.sort", calls=100 - costed, elements=7),) if costed < 100 else ()
    compute = Compute(
        macs=macs,
        flops=2 * macs,
        flops_norm=1000,
        flops_elementwise=2000,
        convention="1 MAC = 2 FLOPs",
        counter="bench.flops/1",
        by_stage={stage: StageCost(macs=count) for stage, count in by_stage.items()},
        coverage=Coverage(
            ops_total=9, calls_total=100, calls_costed=costed, covered_pct=float(costed), ops_uncounted=uncounted
        ),
        crosscheck=Crosscheck(fvcore_macs=macs, fvcore_norm_flops=0, agrees=True, explained_by=()),
    )
    threads = 2 if train else 1
    trained = seed is not None
    parts = [name, dataset, scenario, "cpu", "fp32", "eager", f"t{threads}", "b1", "l64"]
    return CaseRecord(
        case_id="|".join([*parts, f"s{seed}"] if trained else parts),
        status="ok",
        model=Model(
            name=name,
            base=name,
            role="baseline",
            config_hash=f"config of {name}",
            recipe_hash="recipe" if trained else Missing("random weights were not trained"),
            weights_kind="trained" if trained else "random",
            weights_sha256=weights if trained else Missing("random weights have no file"),
            seed=seed or 0,
        ),
        workload=Workload(dataset=dataset, scenario=scenario, batch_size=1, num_clips=64, num_words=10),
        execution=ExecutionRecord(
            device="cpu", dtype="float32", backend="eager", mode="train" if train else "infer", threads=threads
        ),
        params=Params(
            total=params, trainable=params, frozen=0, embedding=0, buffers=0, bytes=4 * params, unreachable=0
        ),
        compute=ABSENT if train else compute,
        latency=ABSENT if train else timed,
        training=step if train else ABSENT,
        memory=Memory(
            activation_peak_bytes=10_000,
            tensor_peak_bytes=4 * params + 10_000,
            host_baseline_bytes=Missing("not read"),
            host_peak_bytes=Missing("not read"),
        ),
        reference=Reference(
            gemm_shape=GEMM_SHAPE,
            gemm_s=GEMM_S,
            gemm_ci99_s=(0.99 * GEMM_S, 1.01 * GEMM_S),
            gemm_macs_per_s=_RATE,
            num_threads=threads,
            macs=macs,
            floor_s=macs / _RATE,
            measured_s=summary.median,
            ratio=summary.median * _RATE / macs,
            ratio_ci99=(summary.median_ci99[0] * _RATE / macs, summary.median_ci99[1] * _RATE / macs),
            drift=1.2 if noise == "noisy" else 1.0,
        ),
        noise=Noise(steal_pct=0.0, reference_drift=1.2 if noise == "noisy" else 1.0, verdict=noise),
        throughput=ABSENT if throughput is None else _throughput(throughput),
        quality=quality,
    )


def _throughput(rates: dict[int, float]) -> Throughput:
    top = max(rates.values())
    return Throughput(
        value=top,
        ci99=(0.99 * top, 1.01 * top),
        best_batch=next(batch for batch, rate in rates.items() if rate == top),
        knee_batch=min(batch for batch, rate in rates.items() if rate >= 0.9 * top),
        num_threads=2,
        curve=tuple(
            ThroughputPoint(batch=batch, value=rate, ci99=(0.99 * rate, 1.01 * rate), calls=20, status="ok")
            for batch, rate in rates.items()
        ),
    )


def twins(*seconds: float, name: str = "twin", width: float = 0.001) -> list[CaseRecord]:
    """One network under several names, at these times; names of another length are of another network."""
    params = 100 + len(name)
    return [case(f"{name}-{i}", "tacos", seconds=value, width=width, params=params) for i, value in enumerate(seconds)]


def scored(hits: Sequence[float], *, spread: float = 2.0, keep: bool = False, videos: int = 10) -> Quality:
    """Accuracy of answers with these IoUs; its interval is `spread` points wide on each side."""
    means = Means.of(np.array(hits))
    intervals = {name: (max(0, value - spread), min(100, value + spread)) for name, value in means.r1.items()}
    names = tuple(f"query-{i:04d}" for i in range(len(hits)))
    return Quality(
        dataset="synth-charades",
        split="test",
        queries=len(hits),
        protocol="timestamp",
        comparison="IoU >= m",
        r1=means.r1,
        miou=means.miou,
        ci95=QualityIntervals(r1=intervals, miou=(means.miou - spread, means.miou + spread)),
        per_query=QueryScores(
            queries=names, videos=tuple(f"video-{i % videos}" for i in range(len(hits))), iou=tuple(map(float, hits))
        )
        if keep
        else ABSENT,
        n=len(hits),
        source="measured",
    )


def failed(like: CaseRecord, status: Literal["failed", "invalid", "skipped"] = "failed") -> CaseRecord:
    """The case without a result."""
    gone = Missing("not measured")
    return replace(
        like,
        status=status,
        reason=f"it {status}",
        latency=gone,
        training=gone,
        throughput=gone,
        reference=gone,
        noise=gone,
        quality=gone,
    )


def run(*cases: CaseRecord, cpu: str = "AMD EPYC", torch: str = "2.13.0", at: str = "20261123T101911Z") -> Run:
    """A run of these cases."""
    env = Environment(
        fingerprint="",
        hardware=Hardware(cpu_model=cpu, cores_physical=2, cores_logical=2, ram_bytes=25_000_000_000, gpus=()),
        software=Software(
            python="3.11.7", torch=torch, os="Linux 6", packages={"numpy": "2.4.6"}, packages_hash=f"sha256:{'0' * 64}"
        ),
        settings=Settings(num_threads=2),
        volatile=Volatile(),
    )
    return Run(
        schema="emtm-bench/result",
        schema_version="1.0.0",
        run_id=f"{at}-13a7e4",
        created_utc=f"{at[:4]}-{at[4:6]}-{at[6:11]}:{at[11:13]}:{at[13:]}",
        suite=Suite(version="0.1.0", commit="c" * 40, dirty=False, profile="ci", seed=0, argv=("pytest", "bench/")),
        env=replace(env, fingerprint=fingerprint(env)),
        cases=cases,
    )


def written(found: Run, path: Path) -> Path:
    """The run as a file."""
    write_run(found, path)
    return path

"""Latency of a single query, beside the GEMM floor, with the energy it takes and what disturbed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, islice

from bench import budget, stats
from bench.cases import Case
from bench.execution import Execution, Runner
from bench.instruments import energy
from bench.instruments.latency import CLOCK, LatencyProbe, stage_seconds
from bench.instruments.noise import NoiseWindow
from bench.instruments.reference import GemmFloor, floor_ratio
from bench.measure import Measure, Timing
from bench.missing import Missing, or_missing
from bench.profiles import Profile
from bench.record import Energy, Latency, Noise, Reference
from bench.workbench import Workbench
from emtm.data.batch import Batch


def start(bench: Workbench, case: Case) -> Timing:
    """Calls of one query in turn with samples of the floor."""
    macs = bench.static(case).compute.macs
    runner, call_s = bench.runner(case), bench.call_s(case)
    budget.check_latency(call_s, bench.profile)
    pool = bench.batches(case, case.batch_size)
    measurement = LatencyMeasurement(runner, pool, case.execution, bench.profile)
    rounds = budget.latency_rounds(measurement.warm_up(call_s), bench.profile)
    probe = measurement.probe
    return Timing(probe, lambda: measurement.blocks(macs), rounds, probe.prepare, quiet=True)


class LatencyMeasurement:
    """Latency of a runner on a pool of inputs, sampled in turn with the GEMM floor."""

    def __init__(self, runner: Runner, pool: Sequence[Batch], execution: Execution, profile: Profile) -> None:
        self._runner, self._pool, self._execution, self._profile = runner, pool, execution, profile
        self.floor = GemmFloor(execution.device)
        self.probe = LatencyProbe(runner, pool, execution.device, self.floor.sample)
        self._noise = NoiseWindow()
        self._warmup = 0

    def warm_up(self, call_s: float) -> float:
        """Untimed calls of about `call_s` seconds; returns the seconds one call takes."""
        self._warmup = budget.few_calls(call_s, self._profile, self._profile.warmup)
        self.probe.repeat(self._warmup)
        once_s = min(self.probe.samples_s)
        self.probe.forget()
        self.floor.samples_s.clear()
        self._noise = NoiseWindow()
        return once_s

    def blocks(self, macs: int) -> tuple[Latency, Reference, Energy, Noise]:
        """Of the samples so far; `macs` are those of one call."""
        samples = self.probe.samples_s
        ratio = floor_ratio(samples, self.floor, macs, self._execution.threads)
        noise = self.noise()
        return latency_block(samples, self._warmup, self._by_stage()), ratio, self._energy(), noise

    def noise(self) -> Noise:
        """What disturbed the calls so far."""
        return self._noise.close(self.floor.drift)

    def _energy(self) -> Energy:
        if not self._profile.energy_s:
            return energy.left_out(f"profile {self._profile.name} leaves it out, which takes seconds a case")
        return energy.measure(lambda: self._runner(self._pool[0]), self._execution.device, self._profile.energy_s)

    def _by_stage(self) -> Mapping[str, float] | Missing:
        """Median seconds of each stage, from calls of their own: the hooks cost a little."""
        staged = self._runner.staged
        if isinstance(staged, Missing):
            return staged
        count = budget.few_calls(min(self.probe.samples_s), self._profile, self._profile.stage_rounds)
        passes = [stage_seconds(staged, batch, self._execution.device) for batch in islice(cycle(self._pool), count)]
        names = dict.fromkeys(name for spent in passes for name in spent)
        return {name: stats.summarise([spent.get(name, 0.0) for spent in passes]).median for name in names}


def latency_block(samples_s: list[float], warmup: int, by_stage: Mapping[str, float] | Missing) -> Latency:
    """Of samples in seconds, after `warmup` untimed calls."""
    found = stats.summarise(samples_s)
    return Latency(
        clock=CLOCK,
        warmup=warmup,
        n=found.n,
        median=found.median,
        median_ci99=or_missing(found.median_ci99, stats.interval_reason(found.n)),
        mean=found.mean,
        iqr=found.iqr,
        min=found.min,
        max=found.max,
        outliers=found.outliers,
        p90=_percentile(samples_s, 90.0),
        p95=_percentile(samples_s, 95.0),
        p99=_percentile(samples_s, 99.0),
        samples=tuple(samples_s),
        by_stage=by_stage,
    )


def _percentile(samples_s: list[float], rank: float) -> float | Missing:
    return or_missing(stats.percentile(samples_s, rank), stats.percentile_reason(len(samples_s), rank))


LATENCY = Measure("latency", "single_stream", (Latency, Reference, Energy, Noise), start, order=10)

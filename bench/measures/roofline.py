"""What binds a query: multiply-adds, bytes or operators, against what the machine can do of each at that moment."""

from __future__ import annotations

from collections.abc import Mapping

from bench import budget, stats
from bench.cases import Case
from bench.execution import required
from bench.instruments.latency import stage_seconds
from bench.instruments.machine import Machine, Rates
from bench.instruments.noise import NoiseWindow
from bench.instruments.traffic import Traffic, traffic
from bench.measure import Measure, Timing
from bench.record import Bound, Roof, Roofline
from bench.workbench import Workbench

_SHORTEST = 0.01
"""Stages below this share of a call are left to the whole."""


def start(bench: Workbench, case: Case) -> Timing:
    """Calls stage by stage, in turn with samples of the machine's rates."""
    budget.check_roofline(case.dataset, bench.profile)
    call_s, staged = bench.call_s(case), required(bench.runner(case).staged)
    budget.check_memory(call_s, bench.profile)
    rounds = budget.few_calls(call_s, bench.profile, bench.profile.stage_rounds)
    pool, machine = bench.batches(case, case.batch_size), Machine(case.execution.device)
    moved = traffic(staged, pool[0])
    macs = {name: cost.macs for name, cost in bench.static(case).compute.by_stage.items()}
    noise, passes = NoiseWindow(), list[Mapping[str, float]]()

    def call() -> None:
        machine.sample()
        passes.append(stage_seconds(staged, pool[len(passes) % len(pool)], case.execution.device))

    return Timing(call, lambda: [roofline(passes, moved, macs, machine.rates(), noise)], rounds=rounds)


def roofline(
    passes: list[Mapping[str, float]],
    moved: Mapping[str, Traffic],
    macs: Mapping[str, int],
    rates: Rates,
    noise: NoiseWindow,
) -> Roofline:
    """Of the seconds of each stage in some calls, and of what each takes."""
    names = dict.fromkeys(name for spent in passes for name in spent)
    seconds = {name: stats.summarise([spent.get(name, 0.0) for spent in passes]).median for name in names}
    whole_s = stats.summarise([sum(spent.values()) for spent in passes]).median
    nothing = Traffic()
    whole = Traffic(
        sum(one.operators for one in moved.values()),
        sum(one.cached_bytes for one in moved.values()),
        sum(one.streamed_bytes for one in moved.values()),
    )
    return Roofline(
        macs_per_s=rates.macs_per_s,
        cached_bytes_per_s=rates.cached_bytes_per_s,
        streamed_bytes_per_s=rates.streamed_bytes_per_s,
        operator_s=rates.operator_s,
        calls=len(passes),
        whole=roof(whole_s, sum(macs.values()), whole, rates),
        by_stage={
            name: roof(taken_s, macs.get(name, 0), moved.get(name, nothing), rates)
            for name, taken_s in seconds.items()
            if taken_s >= _SHORTEST * whole_s
        },
        noise=noise.close(),
    )


def roof(measured_s: float, macs: int, moved: Traffic, rates: Rates) -> Roof:
    """Least seconds that each of the three takes by itself; the longest binds, its share says how near the roof is."""
    least: dict[Bound, float] = {
        "compute": macs / rates.macs_per_s,
        "memory": moved.cached_bytes / rates.cached_bytes_per_s + moved.streamed_bytes / rates.streamed_bytes_per_s,
        "dispatch": moved.operators * rates.operator_s,
    }
    bound = max(least, key=lambda name: least[name])
    return Roof(
        measured_s=measured_s,
        macs=macs,
        moved_bytes=moved.cached_bytes + moved.streamed_bytes,
        operators=moved.operators,
        compute_s=least["compute"],
        memory_s=least["memory"],
        dispatch_s=least["dispatch"],
        bound=bound,
        share=least[bound] / measured_s,
    )


ROOFLINE = Measure("roofline", "single_stream", (Roofline,), start, order=32)

"""A few calls of a case, timed as its latency is."""

from __future__ import annotations

from statistics import median

from bench import budget
from bench.cases import Case
from bench.execution import threads
from bench.instruments.noise import quiet_gc
from bench.isolation.questions import Pace
from bench.measures.latency import LatencyMeasurement
from bench.workbench import Workbench


def once(bench: Workbench, case: Case) -> Pace:
    """Median seconds of a few calls, and of the reference product in turn with them; raises as `Workbench.runner`."""
    runner, call_s = bench.runner(case), bench.call_s(case)
    pool = bench.batches(case, case.batch_size)
    measurement = LatencyMeasurement(runner, pool, case.execution, bench.profile)
    with threads(case.execution.threads), quiet_gc():
        rounds = budget.repeat_rounds(measurement.warm_up(call_s), bench.profile)
        measurement.probe.repeat(rounds)
        noisy = measurement.noise().verdict != "quiet"
    return Pace(median(measurement.probe.samples_s), median(measurement.floor.samples_s), noisy)

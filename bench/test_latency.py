"""Latency of a single query on one thread, beside the GEMM floor."""

from __future__ import annotations

from bench import budget
from bench.cases import Case
from bench.fixtures import Benchmark, Recording
from bench.instruments.device import threads
from bench.instruments.noise import quiet_gc
from bench.lab import Lab
from bench.measure import LatencyMeasurement


def test_latency(lab: Lab, case: Case, recording: Recording, benchmark: Benchmark) -> None:
    with recording(case, "latency"), threads(case.threads):
        macs = lab.static(case).compute.macs
        model, call_s = lab.model(case), lab.call_s(case)
        budget.check_latency(call_s, lab.profile)
        measurement = LatencyMeasurement(case, model, lab.profile)
        rounds = budget.latency_rounds(measurement.warm_up(call_s), lab.profile)
        with quiet_gc():
            benchmark.pedantic(measurement.probe, setup=measurement.probe.prepare, rounds=rounds)
        lab.add(case, *measurement.blocks(macs))

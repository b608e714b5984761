"""Latency of a single query on one thread, beside the GEMM floor."""

from __future__ import annotations

from bench.cases import Case
from bench.fixtures import Benchmark, Recording
from bench.instruments.device import threads
from bench.instruments.latency import rounds_for
from bench.instruments.noise import quiet_gc
from bench.lab import Lab
from bench.measure import LatencyMeasurement


def test_latency(lab: Lab, case: Case, recording: Recording, benchmark: Benchmark) -> None:
    with recording(case, "latency"), threads(case.threads):
        macs = lab.static(case).compute.macs
        measurement = LatencyMeasurement(case, lab.model(case), lab.profile)
        rounds = rounds_for(measurement.warm_up(), lab.profile.latency_s, *lab.profile.latency_rounds)
        with quiet_gc():
            benchmark.pedantic(measurement.probe, setup=measurement.probe.prepare, rounds=rounds)
        lab.add(case, measurement.blocks(macs))

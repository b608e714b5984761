"""Queries a second over batch sizes, on all cores."""

from __future__ import annotations

from bench.cases import Case
from bench.fixtures import Benchmark, Recording
from bench.lab import Lab
from bench.measure import measure_throughput


def test_throughput(lab: Lab, case: Case, recording: Recording, benchmark: Benchmark) -> None:
    with recording(case, "throughput"):
        arguments = (case, lab.model(case), lab.profile, lab.all_threads, lab.call_s(case))
        block = benchmark.pedantic(measure_throughput, args=arguments, rounds=1)
        lab.add(case, block)

"""Counts: parameters, multiply-adds by stage, coverage, fvcore's answer."""

from __future__ import annotations

from bench.cases import Case
from bench.fixtures import Benchmark, Recording
from bench.instruments.device import threads
from bench.lab import Lab


def test_static(lab: Lab, case: Case, recording: Recording, benchmark: Benchmark) -> None:
    with recording(case, "static"), threads(case.threads):
        counts = benchmark.pedantic(lab.static, args=(case,), rounds=1)
        lab.add(case, counts.params, counts.compute)

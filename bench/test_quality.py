"""Accuracy of the trained runs, in the row of their cost."""

from __future__ import annotations

from bench.cases import Case
from bench.fixtures import Benchmark, Recording
from bench.instruments import quality
from bench.instruments.device import threads
from bench.lab import Lab


def test_quality(lab: Lab, trained_case: Case, recording: Recording, benchmark: Benchmark) -> None:
    case = trained_case
    with recording(case, "quality"), threads(case.threads):
        assert case.run is not None
        lab.add(case, benchmark.pedantic(quality.measure, args=(case.run.path, case.run.seed), rounds=1))

"""Peak memory of a single query."""

from __future__ import annotations

from bench import budget
from bench.cases import Case
from bench.fixtures import Benchmark, Recording
from bench.instruments.device import threads
from bench.lab import Lab
from bench.measure import measure_memory


def test_memory(lab: Lab, case: Case, recording: Recording, benchmark: Benchmark) -> None:
    with recording(case, "memory"), threads(case.threads):
        model = lab.model(case)
        budget.check_memory(lab.call_s(case), lab.profile)
        block = benchmark.pedantic(measure_memory, args=(case, model), rounds=1)
        lab.add(case, block)

"""Counts: parameters, multiply-adds by stage, coverage, fvcore's answer."""

from __future__ import annotations

from bench.cases import Case
from bench.measure import Measure, Timing
from bench.missing import Block
from bench.record import Compute, Params
from bench.workbench import Workbench


def start(bench: Workbench, case: Case) -> Timing:
    """Counts once; the time is that of counting."""

    def blocks() -> tuple[Block, ...]:
        counts = bench.static(case)
        return counts.params, counts.compute

    return Timing(lambda: bench.static(case), blocks)


STATIC = Measure("static", "single_stream", (Params, Compute), start, order=0)

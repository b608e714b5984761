"""Counts that belong together: parameters, arithmetic, frames."""

from __future__ import annotations

from bench.consistency.follows import Complaints, follows
from bench.missing import known
from bench.record import Backbone, CaseRecord, Compute, Coverage, Memory, Params


def counted(case: CaseRecord) -> Complaints:
    """Of a case's counts."""
    if params := known(case.params):
        yield from _params(params)
    if compute := known(case.compute):
        yield from _compute(compute)
    if backbone := known(case.backbone):
        yield from _backbone(backbone)
    if memory := known(case.memory):
        yield from _memory(memory)


def _params(params: Params) -> Complaints:
    if params.total != params.trainable + params.frozen:
        yield "params.total is not trainable and frozen together"
    if max(params.embedding, known(params.unreachable) or 0) > params.total:
        yield "params: a part is larger than the total"


def _compute(compute: Compute) -> Complaints:
    if compute.flops != 2 * compute.macs:
        yield "compute.flops is not twice compute.macs"
    if sum(stage.macs for stage in compute.by_stage.values()) != compute.macs:
        yield "the stages' multiply-adds do not add up to compute.macs"
    if (known(compute.query_independent_macs) or 0) > compute.macs:
        yield "compute.query_independent_macs is more than compute.macs"
    yield from coverage_follows("compute.coverage", compute.coverage)
    cross = known(compute.crosscheck)
    fvcore = None if cross is None else known(cross.fvcore_macs)
    if cross is not None and fvcore is not None:
        products = fvcore - (known(cross.fvcore_norm_flops) or 0)
        if cross.agrees != (products == compute.macs):
            yield "compute.crosscheck.agrees is not what its figures say"


def coverage_follows(where: str, coverage: Coverage) -> Complaints:
    """A share of the calls that have a cost, and a list of the others."""
    total, costed = known(coverage.calls_total), known(coverage.calls_costed)
    if total is not None and costed is not None:
        yield from follows(f"{where}.covered_pct", coverage.covered_pct, 100 * costed / total if total else 100)
        uncounted = sum(op.calls for op in coverage.ops_uncounted)
        if total - costed != uncounted:
            yield f"{where} lists {uncounted} calls without a cost and counts {total - costed}"


def _backbone(backbone: Backbone) -> Complaints:
    if backbone.macs != backbone.macs_per_frame * backbone.frames:
        yield "backbone.macs is not that of its frames"


def _memory(memory: Memory) -> Complaints:
    if memory.activation_peak_bytes > memory.tensor_peak_bytes:
        yield "memory.activation_peak_bytes is more than memory.tensor_peak_bytes"
    peak, baseline = known(memory.host_peak_bytes), known(memory.host_baseline_bytes)
    if peak is not None and baseline is not None and peak < baseline:
        yield "memory.host_peak_bytes is less than memory.host_baseline_bytes"

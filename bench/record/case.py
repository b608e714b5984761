"""A case, with all blocks that were measured of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.missing import ABSENT, Block, Missing
from bench.record.counted import Compute, Dispatch, Params
from bench.record.machine import Energy, Memory, Roofline
from bench.record.quality import Quality
from bench.record.subject import ExecutionRecord, Model, Workload
from bench.record.sweeps import Growth, Reuse, Throughput
from bench.record.timed import ColdStart, Latency, Noise, Reference, Repeats
from bench.record.whole import Backbone, EndToEnd, EvaluationCost, Training

Status = Literal["ok", "invalid", "skipped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord(Block):
    """One model on one workload in one way of running it, with all that was measured."""

    case_id: str
    """Stable name: equal ids in two runs mean the same measurement."""
    model: Model
    workload: Workload
    execution: ExecutionRecord
    status: Status
    reason: str | Missing = ABSENT
    """Why there is no result, where the status is not ok."""
    params: Params | Missing = ABSENT
    compute: Compute | Missing = ABSENT
    latency: Latency | Missing = ABSENT
    repeats: Repeats | Missing = ABSENT
    throughput: Throughput | Missing = ABSENT
    reuse: Reuse | Missing = ABSENT
    growth: Growth | Missing = ABSENT
    memory: Memory | Missing = ABSENT
    dispatch: Dispatch | Missing = ABSENT
    roofline: Roofline | Missing = ABSENT
    cold_start: ColdStart | Missing = ABSENT
    energy: Energy | Missing = ABSENT
    training: Training | Missing = ABSENT
    evaluation: EvaluationCost | Missing = ABSENT
    backbone: Backbone | Missing = ABSENT
    end_to_end: EndToEnd | Missing = ABSENT
    quality: Quality | Missing = ABSENT
    reference: Reference | Missing = ABSENT
    noise: Noise | Missing = ABSENT

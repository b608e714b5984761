"""Arithmetic of one training step: forward, backward, and the optimiser's update.

Counted as the step is run, fused operators included. What is dropped out at random is computed all the same, so two
steps on inputs of one shape cost the same.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bench.instruments.exits import watched_exits
from bench.instruments.flops import CONVENTION, uncompiled
from bench.instruments.ledger import OpLedger, coverage
from bench.instruments.threads import followed
from bench.record import TrainingCompute
from bench.stages import OTHER, StageTracker


def count_step(loss: Callable[[], Tensor], update: Callable[[], object]) -> TrainingCompute:
    """Counts of `loss()`, of its backward pass, and of `update()`; gradients are there when that is called."""
    tracker = StageTracker()
    ledger = OpLedger(lambda: tracker.current, lambda: OTHER)
    with uncompiled(), torch.enable_grad(), watched_exits(ledger.left), followed(ledger.branch), ledger:
        with tracker.enter("forward"):
            value = loss()
        with tracker.enter("backward"):
            value.backward()  # type: ignore[no-untyped-call]
        with tracker.enter("update"):
            update()
    rows = ledger.rows

    def macs(phase: str) -> int:
        return sum(row.macs for row in rows if row.stage == phase)

    def other(phase: str) -> int:
        return sum(row.flops for row in rows if row.stage == phase)

    return TrainingCompute(
        forward_macs=macs("forward"),
        backward_macs=macs("backward"),
        forward_flops_other=other("forward"),
        backward_flops_other=other("backward"),
        update_flops=2 * macs("update") + other("update"),
        convention=CONVENTION,
        coverage=coverage(rows),
    )

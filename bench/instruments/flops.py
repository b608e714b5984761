"""Exact multiply-adds of one call, by stage.

The canonical mode makes torch run every product as an operator with a known cost: attention and
encoder fast paths off, attention as plain products, oneDNN and cuDNN off so that recurrent
layers unroll. The plain mode counts what normally runs, fused operators included; with the
formulas of `bench.instruments.formulas` both give the same number, and a test holds that.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from bench.instruments.eval_mode import eval_mode
from bench.instruments.exits import watched_exits
from bench.instruments.ledger import OpLedger, OpRow, coverage
from bench.instruments.recurrence import few_steps
from bench.instruments.threads import followed
from bench.record import Compute, StageCost
from bench.stages import StageTracker

CONVENTION = "1 MAC = 2 FLOPs"
COUNTER = "bench.flops/1"

Run = Callable[[StageTracker], object]
"""One call of a model that enters its stages on the tracker."""


@contextmanager
def canonical() -> Iterator[None]:
    """Runs the block with every fused kernel that would hide products switched off."""
    with ExitStack() as stack, warnings.catch_warnings():
        # oneDNN's flag context warns about TF32 on builds without Intel GPUs.
        warnings.simplefilter("ignore", UserWarning)
        stack.enter_context(_without_fast_path())
        stack.enter_context(torch.backends.mkldnn.flags(enabled=False))
        stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        yield


@contextmanager
def _without_fast_path() -> Iterator[None]:
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


@contextmanager
def plain() -> Iterator[None]:
    """Runs the block as a user's code would run."""
    yield


@contextmanager
def plain_whole() -> Iterator[None]:
    """`plain` as a tracer sees it: operators made of others are whole first, and gradients forbid fast paths."""
    with torch.inference_mode(), _without_fast_path():
        yield


@contextmanager
def canonical_with_gradients() -> Iterator[None]:
    """`canonical`, for a module that asks for gradients in its forward pass."""
    with torch.enable_grad(), canonical():
        yield


@contextmanager
def uncompiled() -> Iterator[None]:
    """Within the block, what `torch.compile` was asked for runs operator by operator."""
    # Nothing can have been compiled before this module is there, and it takes seconds to import.
    if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
        with torch.compiler.set_stance("force_eager"):
            yield
    else:
        yield


def operators(
    module: nn.Module,
    run: Run,
    stages: dict[str, str],
    mode: Callable[[], AbstractContextManager[None]] = canonical,
    most_calls: int | None = None,
) -> list[OpRow]:
    """Every operator of one `run` of `module`, in eval mode and, unless `mode` says otherwise, without gradients.

    Raises TooManyCallsError when there are more than `most_calls`.
    """
    tracker, origins = StageTracker(), StageTracker()
    ledger = OpLedger(lambda: tracker.current, lambda: origins.current, lambda: tracker.outermost, most_calls)
    with ExitStack() as stack:
        stack.enter_context(eval_mode(module))
        stack.enter_context(uncompiled())
        stack.enter_context(torch.no_grad())
        stack.enter_context(mode())
        stack.enter_context(tracker.hooked(module, stages))
        stack.enter_context(origins.hooked(module, recurrent_layers(module)))
        stack.enter_context(watched_exits(ledger.left))
        stack.enter_context(followed(ledger.branch))
        stack.enter_context(ledger)
        stack.enter_context(few_steps(ledger))
        run(tracker)
    return ledger.rows


def recurrent_layers(module: nn.Module) -> dict[str, str]:
    """Path -> the operator a recurrent layer is to a tracer, such as `aten::lstm`."""
    return {
        path: f"aten::{child.mode.lower()}" for path, child in module.named_modules() if isinstance(child, nn.RNNBase)
    }


def summarise(rows: list[OpRow]) -> Compute:
    """Totals of a ledger."""
    macs = sum(row.macs for row in rows)
    costly = [row for row in rows if row.macs or row.flops]
    return Compute(
        macs=macs,
        flops=2 * macs,
        flops_norm=sum(row.flops for row in rows if row.bucket == "norm"),
        flops_elementwise=sum(row.flops for row in rows if row.bucket == "elementwise"),
        convention=CONVENTION,
        counter=COUNTER,
        by_stage={stage: _cost(costly, stage) for stage in dict.fromkeys(row.stage for row in costly)},
        query_independent_macs=sum(row.macs for row in rows if row.method == "video_encode"),
        coverage=coverage(rows),
    )


def _cost(rows: list[OpRow], stage: str) -> StageCost:
    within = [row for row in rows if row.stage == stage]
    return StageCost(macs=sum(row.macs for row in within), flops_other=sum(row.flops for row in within))


def count(module: nn.Module, run: Run, stages: dict[str, str] | None = None, most_calls: int | None = None) -> Compute:
    """Canonical count of one `run` of `module`; raises TooManyCallsError past `most_calls` operators."""
    return summarise(operators(module, run, stages or {}, most_calls=most_calls))

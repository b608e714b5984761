"""What fvcore says of the same call, and which operators account for the difference.

fvcore counts a multiply-add as one "flop", adds a few FLOPs for norms, and gives nothing for
operators it has no handle for, recurrent layers and fused attention among them.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import nn

from bench.instruments.eval_mode import eval_mode
from bench.instruments.flops import Run, operators, plain, plain_whole, uncompiled
from bench.instruments.ledger import OpRow
from bench.missing import Missing, told
from bench.record import Crosscheck
from bench.stages import StageTracker

_TRACED_NAME = {
    "aten::_trilinear": "aten::bilinear",
    "aten::_cdist_forward": "aten::cdist",
    "aten::_euclidean_dist": "aten::cdist",
    "aten::mkldnn_rnn_layer": "aten::lstm",
    "aten::_cudnn_rnn": "aten::lstm",
    "aten::_scaled_dot_product_flash_attention_for_cpu": "aten::scaled_dot_product_attention",
    "aten::_scaled_dot_product_flash_attention": "aten::scaled_dot_product_attention",
    "aten::_scaled_dot_product_efficient_attention": "aten::scaled_dot_product_attention",
    "aten::_scaled_dot_product_cudnn_attention": "aten::scaled_dot_product_attention",
}
"""Operators a tracer sees under another name than the dispatcher."""

_NOT_PRODUCTS = ("norm", "upsample", "interpolate", "pool", "grid_sampler")


@dataclass(frozen=True, slots=True)
class Answer:
    """What fvcore says of one call."""

    total: int
    """As it prints it, norms included."""
    norm_flops: int
    unsupported: dict[str, int]


def left_out(exact_macs: int, most_macs: float) -> Crosscheck:
    """The answer when fvcore is not asked: it executes the model, which is not worth it for a dear one."""
    reason = f"fvcore executes the model, and {exact_macs / 1e9:.0f} GMAC are over the limit of {most_macs / 1e9:.0f}"
    return _without(reason, exact_macs)


def crosscheck(
    module: nn.Module, run: Run, traced: nn.Module, inputs: tuple[object, ...], exact_macs: int
) -> Crosscheck:
    """Compares the exact count of `run` with fvcore's of `traced(*inputs)`, the same computation."""
    return compared(lambda: ask_fvcore(traced, inputs), lambda: seen_whole(module, run), exact_macs)


def compared(ask: Callable[[], Answer], rows: Callable[[], list[OpRow]], exact_macs: int | Missing) -> Crosscheck:
    """fvcore's answer beside the exact count, with what of the difference lies in operators that it has no rule for.

    Either that fails is a reason, and costs the other nothing.
    """
    try:
        answer = ask()
    except (Exception, SystemExit) as error:
        return _without(f"fvcore failed: {told(error)}", exact_macs)
    products = answer.total - answer.norm_flops
    explained: dict[str, int] = {}
    if products != exact_macs:
        with suppress(Exception):
            explained = _blind_spots(rows(), answer.unsupported)
    return Crosscheck(
        fvcore_macs=answer.total,
        fvcore_norm_flops=answer.norm_flops,
        fvcore_unsupported=answer.unsupported,
        agrees=products == exact_macs,
        explained_by=tuple(explained),
        explained_macs=explained,
        unexplained_macs=exact_macs
        if isinstance(exact_macs, Missing)
        else exact_macs - products - sum(explained.values()),
    )


def seen_whole(module: nn.Module, run: Run) -> list[OpRow]:
    """Operators under the names that a tracer gives them, where the module can be run so."""
    try:
        return operators(module, run, {}, plain_whole)
    except Exception:
        return operators(module, run, {}, plain)


def _without(reason: str, exact_macs: int | Missing) -> Crosscheck:
    return Crosscheck(
        fvcore_macs=Missing(reason),
        fvcore_norm_flops=0,
        fvcore_unsupported={},
        agrees=False,
        explained_by=(),
        explained_macs={},
        unexplained_macs=exact_macs,
    )


def ask_fvcore(module: nn.Module, inputs: tuple[object, ...]) -> Answer:
    """fvcore's count of `module(*inputs)` in eval mode; raises what fvcore raises."""
    logger = logging.getLogger("fvcore")
    level = logger.level
    with warnings.catch_warnings():
        # fvcore calls torch.jit.script when imported, which torch deprecates.
        warnings.simplefilter("ignore")
        from fvcore.nn import FlopCountAnalysis

        logger.setLevel(logging.CRITICAL)
        jit_logger = logging.getLogger("fvcore.nn.jit_analysis")
        jit_level = jit_logger.level
        jit_logger.setLevel(logging.CRITICAL)
        try:
            with eval_mode(module), uncompiled(), torch.enable_grad():
                analysis = FlopCountAnalysis(module, inputs)
                analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
                by_operator = analysis.by_operator()
                unsupported = dict(analysis.unsupported_ops())
        finally:
            logger.setLevel(level)
            jit_logger.setLevel(jit_level)
    return Answer(
        total=int(sum(by_operator.values())),
        norm_flops=int(sum(v for k, v in by_operator.items() if any(word in k for word in _NOT_PRODUCTS))),
        unsupported={str(op): int(calls) for op, calls in sorted(unsupported.items())},
    )


def _blind_spots(rows: list[OpRow], unsupported: dict[str, int]) -> dict[str, int]:
    missed: dict[str, int] = {}
    for row in rows:
        name = row.origin if row.origin.startswith("aten::") else _TRACED_NAME.get(row.op, row.op)
        if row.macs and name in unsupported:
            missed[name] = missed.get(name, 0) + row.macs
    return dict(sorted(missed.items(), key=lambda item: -item[1]))


class Stageless:
    """Adapts a plain call to the `run(tracker)` form the counters take."""

    def __init__(self, module: nn.Module, inputs: tuple[object, ...]) -> None:
        self._module = module
        self._inputs = inputs

    def __call__(self, tracker: StageTracker) -> object:
        """Calls the module."""
        return self._module(*self._inputs)

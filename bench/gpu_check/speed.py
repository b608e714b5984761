"""Latency by two clocks and memory of one query: in float32, in bfloat16, and compiled."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import torch

from bench.backends import compiled, eager
from bench.execution import Device, Execution, Runner
from bench.gpu_check.part import Part
from bench.gpu_check.plan import Plan
from bench.gpu_record import SpeedRow
from bench.instruments import memory
from bench.instruments.cuda_events import timed
from bench.instruments.nvml import Card
from bench.missing import Block, Missing, of, or_missing
from bench.stats import summarise
from bench.subjects import build_model, make_batch
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.training.precision import lower_recurrent_inputs

T = TypeVar("T")
_POOL = 4
_NO_CARD = "ran on the CPU"
WAYS = ("fp32", "bf16", "compiled")
"""The quick ones first: compiling a model takes up to a minute."""


def items(plan: Plan) -> Sequence[str]:
    """Way by way, `MODEL WAY`; compiled on cards alone, as in the harness."""
    ways = WAYS if compiled.dtypes(plan.torch_device()) else WAYS[:-1]
    return [f"{model} {way}" for way in ways for model in plan.models]


def row(plan: Plan, item: str) -> SpeedRow:
    """Of one model run in one way."""
    name, way = item.split()
    subject, device = plan.subject(name), plan.torch_device()
    _release(device)
    model = build_model(name, subject.config, subject.shape).to(device.name)
    inputs = (make_batch(subject.shape, subject.config.feature_dim, 1, seed) for seed in range(_POOL))
    pool = [batch.to(device.name) for batch in inputs]
    reference = eager.whole(model, pool[0])
    began = device.now_ns()
    runner = _runner(model, way, Execution(device), pool[0])
    outputs = runner.outputs(pool[0])
    ready_s = (device.now_ns() - began) * 1e-9
    times = timed(runner, pool, device, *((2, 0.1, 10) if plan.small else (10, 1.0, 300)))
    peak = memory.device_peak(lambda: runner(pool[0]), device)
    return SpeedRow(
        model=name,
        dataset=subject.dataset,
        dtype="bfloat16" if way == "bf16" else "float32",
        backend="compiled" if way == "compiled" else "eager",
        calls=len(times.wall_s),
        wall_s=summarise(times.wall_s).median,
        event_s=of(times.event_s, lambda found: summarise(found).median),
        ready_s=ready_s,
        span_deviation=float((outputs.span.to(reference) - reference).abs().max()),
        allocated_bytes=or_missing(None if peak is None else peak.allocated_bytes, _NO_CARD),
        reserved_bytes=or_missing(None if peak is None else peak.reserved_bytes, _NO_CARD),
        process_bytes=_process_bytes(device),
    )


def told(rows: Sequence[Block]) -> str:
    """How many rows there are of each way, and the quickest and the slowest model."""
    found = [row for row in rows if isinstance(row, SpeedRow)]
    plain = sorted((row for row in found if (row.backend, row.dtype) == ("eager", "float32")), key=lambda r: r.wall_s)
    if not plain:
        return "no model was timed"
    low, high = plain[0], plain[-1]
    counts = (
        len(plain),
        sum(row.dtype == "bfloat16" for row in found),
        sum(row.backend == "compiled" for row in found),
    )
    return (
        "{} models timed in float32, {} in bfloat16, {} compiled; ".format(*counts)
        + f"{1e3 * low.wall_s:.3g} ms ({low.model}) to {1e3 * high.wall_s:.3g} ms ({high.model})"
    )


def _runner(model: AnyModel, way: str, execution: Execution, example: Batch) -> Runner:
    if way == "compiled":
        return compiled.build(model, execution, example)
    runner = eager.build(model, execution, example)
    return _lowered(runner, model, execution.device) if way == "bf16" else runner


def _lowered(runner: Runner, model: AnyModel, device: Device) -> Runner:
    """The runner in autocast, as training in bf16 runs it."""
    lower_recurrent_inputs(model)

    def lowered(function: Callable[[Batch], T]) -> Callable[[Batch], T]:
        def call(batch: Batch) -> T:
            with torch.autocast(device.name, torch.bfloat16):
                return function(batch)

        return call

    return replace(runner, call=lowered(runner.call), outputs=lowered(runner.outputs))


def _release(device: Device) -> None:
    """Gives back what earlier models took."""
    gc.collect()
    if device.name != "cpu":
        torch.compiler.reset()
        torch.cuda.empty_cache()


def _process_bytes(device: Device) -> int | Missing:
    if device.name == "cpu":
        return Missing(_NO_CARD)
    try:
        return Card().process_bytes()
    except OSError as error:
        return Missing(f"no NVML: {error}")


SPEED = Part("speed", 0.32, items, row, told)

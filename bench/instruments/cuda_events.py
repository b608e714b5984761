"""Time on a card between two events in its queue, beside the wall clock of the same calls.

Events see what the card did from the first kernel's turn on; the wall clock sees what a caller waits for, launches
included. A model whose kernels are short is bound by the launches, and its two times differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from bench.execution import Device
from bench.instruments.latency import LatencyProbe
from bench.missing import Missing

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of the same calls by two clocks."""

    wall_s: tuple[float, ...]
    event_s: tuple[float, ...] | Missing


def timed(
    run: Callable[[T], object], pool: Sequence[T], device: Device, warmup: int, budget_s: float, most: int
) -> Times:
    """Calls `run` on a pool of inputs in turn: `warmup` times untimed, then for `budget_s` seconds, `most` at most."""
    if device.name == "cpu":
        probe = LatencyProbe(run, pool, device)
        _calls(probe, warmup, budget_s, most)
        return Times(tuple(probe.samples_s), Missing("a CPU has no CUDA events"))
    pairs = list[tuple[torch.cuda.Event, torch.cuda.Event]]()

    def between_events(item: T) -> None:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        start.record()
        run(item)
        end.record()
        pairs.append((start, end))

    probe = LatencyProbe(between_events, pool, device)
    _calls(probe, warmup, budget_s, most)
    device.synchronize()
    measured = pairs[-len(probe.samples_s) :]
    return Times(tuple(probe.samples_s), tuple(start.elapsed_time(end) * 1e-3 for start, end in measured))


def _calls(probe: LatencyProbe[T], warmup: int, budget_s: float, most: int) -> None:
    probe.repeat(warmup)
    probe.forget()
    ends = time.perf_counter() + budget_s
    while not probe.samples_s or (time.perf_counter() < ends and len(probe.samples_s) < most):
        probe.repeat(1)

"""Latency of one call: a steady clock, a device barrier inside, inputs that rotate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch

from bench.execution import Device, Staged
from bench.stages import StageTracker
from emtm.data.batch import Batch

T = TypeVar("T")
CLOCK = "perf_counter_ns"


@dataclass
class LatencyProbe(Generic[T]):
    """A callable that times `run` on the next input of a pool and keeps every sample.

    `prepare` runs before each call and outside the time: it advances the pool, so that a call
    does not find its own input in the cache, and calls `between`.
    """

    run: Callable[[T], object]
    pool: Sequence[T]
    device: Device
    between: Callable[[], object] = lambda: None
    samples_s: list[float] = field(default_factory=list)
    _next: int = 0

    def prepare(self) -> None:
        """Advances to the next input."""
        self.between()
        self._next = (self._next + 1) % len(self.pool)

    def __call__(self) -> None:
        """Runs once and books the time."""
        item = self.pool[self._next]
        start = self.device.now_ns()
        self.run(item)
        self.samples_s.append((self.device.now_ns() - start) * 1e-9)

    def forget(self) -> None:
        """Drops the samples so far: they were warm-up."""
        self.samples_s.clear()
        self._next = 0

    def repeat(self, times: int) -> None:
        """Prepares and calls `times` times."""
        for _ in range(times):
            self.prepare()
            self()


def rounds_for(once_s: float, budget_s: float, fewest: int, most: int) -> int:
    """Calls of `once_s` seconds that fit a budget, within limits."""
    return max(fewest, min(most, int(budget_s / max(once_s, 1e-9))))


def stage_seconds(staged: Staged, batch: Batch, device: Device) -> dict[str, float]:
    """Seconds of one call spent in each stage; the sum is the whole call."""
    spent: dict[str, float] = {}
    last = device.now_ns()

    def book(stage: str) -> None:
        nonlocal last
        now = device.now_ns()
        spent[stage] = spent.get(stage, 0.0) + (now - last) * 1e-9
        last = now

    tracker = StageTracker(book)
    with torch.inference_mode(), staged(tracker) as call:
        last = device.now_ns()
        call(batch)
        book(tracker.current)
    return spent

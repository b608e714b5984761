"""The device a measurement runs on, so that no measuring loop asks which one it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch


def _nothing() -> None:
    """The CPU runs synchronously: there is nothing to wait for."""


@dataclass(frozen=True, slots=True)
class Device:
    """A torch device with the barrier that makes wall-clock readings on it mean something."""

    name: str
    synchronize: Callable[[], None] = _nothing

    def now_ns(self) -> int:
        """Monotonic clock after all work queued on the device has ended."""
        self.synchronize()
        return time.perf_counter_ns()


CPU = Device("cpu")


def devices() -> tuple[Device, ...]:
    """What this machine has: the CPU, and the current GPU if torch can use one."""
    if torch.cuda.is_available():
        return CPU, Device("cuda", torch.cuda.synchronize)
    return (CPU,)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Runs the block with `count` intra-op threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)

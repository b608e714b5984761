"""What a call takes of the machine: memory, energy, and how near it comes to what the machine can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench.missing import ABSENT, Block, Missing
from bench.record.timed import Noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Block):
    """Peak memory of one call."""

    activation_peak_bytes: int
    tensor_peak_bytes: int
    """Weights, inputs and the most that intermediate tensors take at once."""
    host_baseline_bytes: int | Missing
    host_peak_bytes: int | Missing
    device_peak_allocated_bytes: int | Missing = ABSENT
    device_peak_reserved_bytes: int | Missing = ABSENT
    method: str | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy(Block):
    """Joules that a query adds to what the device takes at rest; without `idle_w` rest is still in it."""

    joules_per_query: float | Missing
    source: str
    window_s: float | Missing = ABSENT
    """Of the calls; the rest before was as long."""
    idle_w: float | Missing = ABSENT
    """At rest, right before the calls."""
    calls: int | Missing = ABSENT


Bound = Literal["compute", "memory", "dispatch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roof(Block):
    """A call, or a stage of it, against the least that its parts take on this machine, each by itself."""

    measured_s: float
    macs: int
    moved_bytes: int
    """Read and written, each operator's tensors once."""
    operators: int
    compute_s: float
    memory_s: float
    dispatch_s: float
    bound: Bound
    """The longest of the three."""
    share: float
    """Of the measured time that the longest explains; 1 is at the roof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline(Block):
    """What the machine can do, the best of samples in turn with the calls, and how near to it they come."""

    macs_per_s: float
    cached_bytes_per_s: float
    """By operators that touch half a mebibyte at most."""
    streamed_bytes_per_s: float
    operator_s: float
    """To dispatch an operator that does next to nothing."""
    calls: int
    whole: Roof
    by_stage: Mapping[str, Roof]
    """Stages of a hundredth of the call and more; times are medians, and hooks cost a little."""
    noise: Noise | Missing = ABSENT

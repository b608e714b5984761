"""What is timed of one call: its calls, its processes, its floor, and what disturbed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench.missing import ABSENT, Block, Missing

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Block):
    """Seconds of one call; percentiles only where there are samples enough to bound them."""

    unit: str = "s"
    clock: str
    warmup: int
    """Untimed calls before the first sample."""
    n: int
    median: float
    median_ci99: Interval | Missing
    mean: float
    iqr: float
    min: float
    max: float | Missing = ABSENT
    outliers: int | Missing = ABSENT
    p90: float | Missing = ABSENT
    p95: float | Missing = ABSENT
    p99: float | Missing = ABSENT
    samples: tuple[float, ...]
    by_stage: Mapping[str, float] | Missing = ABSENT
    """Median seconds of each stage, from calls of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats(Block):
    """One query's time in several processes, each in turn with all other cases: what no single process can show."""

    unit: str = "s"
    processes: tuple[int, ...]
    """1 is the one whose calls stand in `latency`; equal numbers in two cases are one process."""
    medians: tuple[float, ...]
    """Of the timed calls in each."""
    reference_s: tuple[float, ...]
    """Medians of the reference product, timed in turn with the calls."""
    mean: float
    """Geometric, of the medians."""
    mean_ci99: Interval | Missing
    """Student's t on the logarithms: the processes are the sample, not the calls."""
    left_out: tuple[int, ...] | Missing = ABSENT
    """Processes that count for nothing, since the machine was disturbed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(Block):
    """A measured time over the time the same multiply-adds take at the rate of a plain matrix product."""

    floor: str = "gemm"
    route: str | Missing = ABSENT
    """Which library took the product."""
    gemm_shape: tuple[int, ...] | Missing = ABSENT
    gemm_s: float
    gemm_ci99_s: Interval | Missing = ABSENT
    gemm_macs_per_s: float
    num_threads: int | Missing = ABSENT
    macs: int
    floor_s: float
    measured_s: float
    ratio: float
    ratio_ci99: Interval | Missing
    drift: float | Missing = ABSENT
    """Second half of the product's samples over the first; 1 when the machine kept its speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise(Block):
    """Disturbance during one measurement; what the kernel does not show is missing."""

    steal_pct: float | Missing = ABSENT
    cpu_pressure_pct: float | Missing = ABSENT
    """Share of the time in which some task of the machine waited for a CPU."""
    nvcsw: int | Missing = ABSENT
    """Voluntary context switches."""
    nivcsw: int | Missing = ABSENT
    """Involuntary context switches."""
    reference_drift: float | Missing = ABSENT
    verdict: Literal["quiet", "noisy", "invalid"]
    """Noisy too where most of the processes in `repeats` were disturbed."""
    measured: int | Missing = ABSENT
    """How often, where once was not enough: what is noisy is measured again while the profile allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart(Block):
    """The first answer of processes that have just begun."""

    unit: str = "s"
    n: int
    """Processes."""
    steps: Mapping[str, float]
    """Medians: `start` of the interpreter, `import`, `build`, `load` of the weights, `first_call`."""
    total: float
    samples: Mapping[str, tuple[float, ...]]
    """One a process, of each step and of the `total`."""
    noise: Noise | Missing = ABSENT
    """Meanwhile."""

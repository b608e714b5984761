"""What is measured at several sizes: batches, queries of one video, clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.missing import ABSENT, Block, Missing
from bench.record.timed import Interval, Noise


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputPoint(Block):
    """Queries a second at one batch size, from the median call."""

    batch: int
    value: float | Missing
    ci99: Interval | Missing = ABSENT
    calls: int | Missing = ABSENT
    status: Literal["ok", "oom", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput(Block):
    """Queries a second over a sweep of batch sizes; `value` is the best."""

    unit: str = "queries/s"
    value: float
    ci99: Interval | Missing
    calls: int | Missing = ABSENT
    best_batch: int | Missing = ABSENT
    knee_batch: int
    """Smallest batch size within 10 % of the best rate."""
    num_threads: int
    curve: tuple[ThroughputPoint, ...]
    noise: Noise | Missing = ABSENT
    """During the sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReusePoint(Block):
    """Seconds a query where so many share a video, from the median pass over all of them."""

    queries: int
    value: float | Missing
    ci99: Interval | Missing = ABSENT
    passes: int | Missing = ABSENT
    status: Literal["ok", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse(Block):
    """One video encoded once, and queries grounded in it one after the other."""

    unit: str = "s"
    num_threads: int
    curve: tuple[ReusePoint, ...]
    noise: Noise | Missing = ABSENT
    """During all passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthPoint(Block):
    """One query in a video of so many clips, from the median call."""

    clips: int
    macs: int | Missing
    activation_peak_bytes: int | Missing = ABSENT
    value: float | Missing
    ci99: Interval | Missing = ABSENT
    calls: int | Missing = ABSENT
    status: Literal["ok", "oom", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponent(Block):
    """The power of the number of clips with which a quantity grows."""

    value: float
    ci95: Interval | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth(Block):
    """One query in ever longer videos."""

    unit: str = "s"
    num_threads: int
    curve: tuple[GrowthPoint, ...]
    fitted_from_clips: int
    """Shorter videos are in no exponent."""
    time: Exponent | Missing
    macs: Exponent | Missing
    memory: Exponent | Missing
    """Of the activations."""
    noise: Noise | Missing = ABSENT
    """During all calls."""

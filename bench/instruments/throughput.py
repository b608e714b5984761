"""Queries a second over a sweep of batch sizes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal

import torch

from bench.execution import Device
from bench.instruments.latency import LatencyProbe
from bench.missing import Missing, known, or_missing
from bench.record import ThroughputPoint
from bench.stats import interval_reason, median_interval

KNEE = 0.9
"""The knee is the smallest batch that reaches this share of the best rate."""

PATIENCE = 10
"""A machine under load may take this many budgets to reach the fewest calls, no more."""


def measure_point(
    batch: int, make_run: Callable[[int], Callable[[], object]], device: Device, budget_s: float, fewest: int
) -> ThroughputPoint:
    """Calls `make_run(batch)` repeatedly for `budget_s` seconds, and then until `fewest` calls are done."""
    try:
        run = make_run(batch)
        probe = LatencyProbe(lambda _: run(), (None,), device)
        probe.repeat(1)
        probe.forget()
        start = time.perf_counter()
        while (spent := time.perf_counter() - start) < budget_s or (
            len(probe.samples_s) < fewest and spent < PATIENCE * budget_s
        ):
            probe()
    except (torch.OutOfMemoryError, MemoryError):
        return _without(batch, "oom", "out of memory")
    seconds = probe.samples_s
    middle = sorted(seconds)[len(seconds) // 2]
    bounds = median_interval(seconds)
    rate = None if bounds is None else (batch / bounds[1], batch / bounds[0])
    return ThroughputPoint(
        batch=batch,
        value=batch / middle,
        ci99=or_missing(rate, interval_reason(len(seconds))),
        calls=len(seconds),
        status="ok",
    )


def sweep(
    batches: Sequence[int],
    make_run: Callable[[int], Callable[[], object]],
    device: Device,
    budget_s: float,
    fewest: int,
    call_s: float,
    too_dear: Callable[[int, float], str | None],
) -> list[ThroughputPoint]:
    """`measure_point` at each batch size, smallest first.

    `too_dear(calls, seconds)` says why so many calls of that length are not worth it; the size is then
    skipped. A call is expected to take `call_s` seconds a query, or less if a smaller size took less.
    """
    points: list[ThroughputPoint] = []
    query_s = call_s
    for size in batches:
        reason = too_dear(fewest + 1, size * query_s)
        if reason is not None:
            points.append(_without(size, "skipped", reason))
            continue
        point = measure_point(size, make_run, device, budget_s, fewest)
        points.append(point)
        if not isinstance(point.value, Missing):
            query_s = min(query_s, 1 / point.value)
    return points


def best(points: Sequence[ThroughputPoint]) -> ThroughputPoint:
    """The point of the highest rate; raises ValueError when every batch size ran out of memory."""
    ran = [p for p in points if not isinstance(p.value, Missing)]
    if not ran:
        raise ValueError("every batch size ran out of memory")
    return max(ran, key=_rate)


def knee_batch(points: Sequence[ThroughputPoint]) -> int:
    """Smallest batch size within 10 % of the best rate."""
    enough = KNEE * _rate(best(points))
    return min(p.batch for p in points if _rate(p) >= enough)


def _rate(point: ThroughputPoint) -> float:
    return known(point.value) or 0.0


def _without(batch: int, status: Literal["oom", "skipped"], reason: str) -> ThroughputPoint:
    return ThroughputPoint(batch=batch, value=Missing(reason), ci99=Missing(reason), calls=0, status=status)

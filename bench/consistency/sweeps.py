"""Curves over batches, queries and clips."""

from __future__ import annotations

import math

from bench.consistency.follows import ROUNDING, Complaints, contains, follows, rising
from bench.consistency.timed import noise_follows
from bench.instruments.throughput import KNEE
from bench.missing import known
from bench.record import CaseRecord, Growth, GrowthPoint, Reuse, ReusePoint, Roof, Throughput

_WATCHED = ("throughput", "reuse", "growth", "roofline")


def sweeps(case: CaseRecord) -> Complaints:
    """Of a case's curves and roofs, and of the noise meanwhile."""
    if throughput := known(case.throughput):
        yield from _throughput(throughput)
    if reuse := known(case.reuse):
        yield from _reuse(reuse)
    if growth := known(case.growth):
        yield from _growth(growth)
    if roofline := known(case.roofline):
        for name, roof in {"whole": roofline.whole, **roofline.by_stage}.items():
            yield from _roof(name, roof)
    for name in _WATCHED:
        block = known(getattr(case, name))
        if block is not None and (noise := known(block.noise)):
            yield from noise_follows(noise, None, f"{name}.noise")


def _throughput(throughput: Throughput) -> Complaints:
    rates = {p.batch: rate for p in throughput.curve if (rate := known(p.value)) is not None and p.status == "ok"}
    if not rates:
        yield "throughput has a value, and its curve has none"
        return
    top = max(rates.values())
    yield from follows("throughput.value", throughput.value, top)
    best = known(throughput.best_batch)
    if best is not None and rates.get(best) != top:
        yield f"throughput.best_batch is {best}, and the curve is highest elsewhere"
    knee = min(batch for batch, rate in rates.items() if rate >= KNEE * top)
    if throughput.knee_batch != knee:
        yield f"throughput.knee_batch is {throughput.knee_batch}, and the curve says {knee}"
    yield from contains("throughput.ci99", known(throughput.ci99), throughput.value)
    for point in throughput.curve:
        rate, within = known(point.value), known(point.ci99)
        if rate is not None:
            yield from contains(f"throughput.curve at batch {point.batch}: ci99", within, rate)


def _reuse(reuse: Reuse) -> Complaints:
    yield from rising("reuse.curve", [point.queries for point in reuse.curve], "queries a video")
    for point in reuse.curve:
        yield from _timed_point(f"reuse.curve at {point.queries} queries", point)


def _timed_point(where: str, point: ReusePoint | GrowthPoint) -> Complaints:
    seconds = known(point.value)
    if (point.status == "ok") != (seconds is not None):
        yield f"{where}: a value stands where it was timed, and nowhere else"
    if seconds is not None:
        yield from contains(f"{where}: ci99", known(point.ci99), seconds)


def _growth(growth: Growth) -> Complaints:
    yield from rising("growth.curve", [point.clips for point in growth.curve], "clips")
    for point in growth.curve:
        yield from _timed_point(f"growth.curve at {point.clips} clips", point)
    for name in ("time", "macs", "memory"):
        if power := known(getattr(growth, name)):
            yield from contains(f"growth.{name}: ci95", known(power.ci95), power.value)


def _roof(name: str, roof: Roof) -> Complaints:
    least = {"compute": roof.compute_s, "memory": roof.memory_s, "dispatch": roof.dispatch_s}
    if least[roof.bound] < max(least.values()):
        yield f"roofline.{name}.bound is {roof.bound}, which is not the longest"
    if not math.isclose(roof.share * roof.measured_s, least[roof.bound], rel_tol=ROUNDING):
        yield f"roofline.{name}.share is not that of {roof.bound}_s in measured_s"

"""What one query costs in videos of ever more clips: time, multiply-adds, memory, and the power each grows with."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from bench import budget, stats
from bench.backends import REFERENCE
from bench.cases import Case
from bench.execution import UnavailableError
from bench.instruments.latency import LatencyProbe, rounds_for
from bench.instruments.memory import activation_peak_bytes
from bench.instruments.noise import NoiseWindow
from bench.measure import Measure, Timing
from bench.missing import Missing, known, or_missing
from bench.record import Exponent, Growth, GrowthPoint
from bench.static import macs_of
from bench.workbench import Workbench, placed, ready
from emtm.registry import model_class

FIT_FROM = 256
"""Clips from which on the powers are fitted: below, what every call costs hides what a clip costs."""
_MOST_CALLS = 100
_UNTIMED_CALLS = 5
"""Check of the runner, warm-up, memory."""


def start(bench: Workbench, case: Case) -> Timing:
    """One sweep over the clips of the profile."""
    if case.run is not None:
        raise UnavailableError("trained weights are for the clips that they were trained on")
    if case.execution.backend != REFERENCE:
        raise UnavailableError("only the model itself is followed to longer videos")
    budget.check_growth(case.dataset, model_class(case.model).info.role, bench.profile)
    call_s = bench.call_s(case)
    found = list[Growth]()
    return Timing(lambda: found.append(sweep(bench, case, call_s)), lambda: found)


def sweep(bench: Workbench, case: Case, call_s: float) -> Growth:
    """All lengths, shortest first, for a model that takes about `call_s` seconds at its own."""
    noise, points = NoiseWindow(), list[GrowthPoint]()
    rate = call_s / max(1, bench.static(case).compute.macs)
    for clips in bench.profile.growth_clips:
        point = _point(bench, case, clips, rate)
        points.append(point)
        if (seconds := known(point.value)) and (macs := known(point.macs)):
            # Small products are slower than large ones, so the next length takes no longer than this rate says.
            rate = seconds / macs
    timed = [point for point in points if point.status == "ok"]
    return Growth(
        num_threads=case.execution.threads,
        curve=tuple(points),
        fitted_from_clips=FIT_FROM,
        time=exponent([(point.clips, point.value) for point in timed]),
        macs=exponent([(point.clips, point.macs) for point in timed]),
        memory=exponent([(point.clips, point.activation_peak_bytes) for point in timed]),
        noise=noise.close(),
    )


def exponent(points: Sequence[tuple[int, float | Missing]]) -> Exponent | Missing:
    """The power of the number of clips with which a quantity grows, from `FIT_FROM` clips on."""
    found = {clips: value for clips, value in points if not isinstance(value, Missing) and clips >= FIT_FROM}
    if len(found) < 2:
        return Missing(f"of videos of {FIT_FROM} clips and more {len(found)} were measured, and two make a line")
    slope, interval = stats.power(list(found), list(found.values()))
    return Exponent(value=slope, ci95=or_missing(interval, "two lengths make a line, and leave nothing to judge it by"))


def _point(bench: Workbench, case: Case, clips: int, rate: float) -> GrowthPoint:
    config = replace(case.config, max_clips=max(clips, case.config.max_clips))
    sized = replace(case, config=config, shape=replace(case.shape, num_clips=clips))
    try:
        macs: int | Missing = macs_of(case.model, config, sized.shape)
    except ValueError as error:
        return GrowthPoint(clips=clips, macs=Missing(str(error)), value=Missing(str(error)), status="skipped")
    limit_s, expected_s = bench.profile.limits.growth_s, rate * (known(macs) or 0)
    reason = budget.too_dear(_UNTIMED_CALLS + stats.fewest_for_interval(), expected_s, limit_s, bench.profile)
    if reason is not None:
        return GrowthPoint(clips=clips, macs=macs, value=Missing(reason), status="skipped")
    try:
        return _measured(sized, clips, macs, limit_s)
    except (torch.OutOfMemoryError, MemoryError):
        return GrowthPoint(clips=clips, macs=macs, value=Missing("out of memory"), status="oom")


def _measured(sized: Case, clips: int, macs: int | Missing, limit_s: float) -> GrowthPoint:
    _, runner = ready(sized)
    pool = placed(runner, sized, 1, 2)
    began = time.perf_counter()
    runner(pool[0])
    once_s = time.perf_counter() - began
    peak = activation_peak_bytes(lambda: runner(pool[0]))
    probe = LatencyProbe(runner, pool, sized.execution.device)
    probe.repeat(rounds_for(once_s, limit_s / 4, stats.fewest_for_interval(), _MOST_CALLS))
    found = stats.summarise(probe.samples_s)
    return GrowthPoint(
        clips=clips,
        macs=macs,
        activation_peak_bytes=peak,
        value=found.median,
        ci99=or_missing(found.median_ci99, stats.interval_reason(found.n, "calls")),
        calls=found.n,
        status="ok",
    )


GROWTH = Measure("growth", "single_stream", (Growth,), start, order=35)

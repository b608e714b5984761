"""What one query costs with a model, as bounds that the truth lies between.

With several queries a video its encoding is kept: a query then costs (the encoding + N x the rest) / N on average.
Drawn from the times of the stages that is an estimate: their clocks slow them down a little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench import typical
from bench.missing import Missing, known, known_of, of
from bench.record import CaseRecord, Latency

VIDEO_STAGES = ("video_proj", "video_encode")
"""What is done once a video, wherever their multiply-adds are those that a run counts as independent of the query."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost in the unit of its quantity, and how far off it may be."""

    value: float
    low: float
    high: float
    """Infinite where nothing bounds it."""
    doubts: tuple[str, ...] = ()
    """Why the bounds are as wide as they are; none for a measured interval or an exact figure."""


def latency_s(cases: Sequence[CaseRecord], queries_per_video: float) -> Cost | Missing:
    """Median seconds of one query; of several seeds together."""
    return _together([of(divisible_latency_s(case), lambda cost: cost.each(queries_per_video)) for case in cases])


def memory_bytes(cases: Sequence[CaseRecord]) -> Cost | Missing:
    """Peak memory of one query: what the device allocated where that is known, else weights, inputs and tensors."""
    return _together([of(case_memory_bytes(case), _same) for case in cases])


def macs(cases: Sequence[CaseRecord], queries_per_video: float) -> Cost | Missing:
    """Multiply-adds of one query."""
    return _together([of(divisible_macs(case), lambda cost: cost.each(queries_per_video)) for case in cases])


def params(cases: Sequence[CaseRecord]) -> Cost | Missing:
    """Parameters, trainable or not."""
    return _together([of(of(case.params, lambda block: block.total), _same) for case in cases])


def _together(costs: Sequence[Cost | Missing]) -> Cost | Missing:
    """The middle one within the widest bounds; where no seed has it, the reason of the first."""
    found = known_of(costs)
    if not found:
        return costs[0]
    doubts = dict.fromkeys(doubt for cost in found for doubt in cost.doubts)
    bounds = min(cost.low for cost in found), max(cost.high for cost in found)
    return Cost(median(cost.value for cost in found), *bounds, tuple(doubts))


@dataclass(frozen=True, slots=True)
class Divisible:
    """A cost of one query, of which a part is done once a video."""

    one: Cost
    once: float | None
    """The part, in the unit of the cost; None where it is not known."""
    exact: bool
    """Is the part as sure as the whole?"""

    def each(self, queries_per_video: float) -> Cost:
        """Of each of several queries that share a video."""
        cost = self.one
        if queries_per_video == 1 or self.once == 0:
            return cost
        if self.once is None:
            return Cost(cost.value, cost.low / queries_per_video, cost.high, (*cost.doubts, _UNSPLIT))
        saved = min(self.once, cost.value) * (1 - 1 / queries_per_video)
        if self.exact:
            return Cost(cost.value - saved, cost.low - saved, cost.high - saved)
        # The times of stages have no interval, so that all of the saving is in doubt.
        return Cost(cost.value - saved, max(0.0, cost.low - saved), cost.high, (*cost.doubts, _ESTIMATED))


def divisible_latency_s(case: CaseRecord) -> Divisible | Missing:
    """Median seconds of one query of a case."""
    return of(case.latency, lambda latency: Divisible(_one_query(case, latency), _video_s(case, latency), exact=False))


def divisible_macs(case: CaseRecord) -> Divisible | Missing:
    """Multiply-adds of one query of a case."""
    once = known(of(case.compute, lambda compute: compute.query_independent_macs))
    return of(case.compute, lambda compute: of(compute.macs, lambda macs: Divisible(_same(macs), once, exact=True)))


def case_memory_bytes(case: CaseRecord) -> int | Missing:
    """Peak memory of one query of a case."""
    device = of(case.memory, lambda memory: memory.device_peak_allocated_bytes)
    return of(case.memory, lambda memory: memory.tensor_peak_bytes) if isinstance(device, Missing) else device


def _same(value: float) -> Cost:
    return Cost(value, value, value)


_UNSPLIT = "how much of it is done once a video is not known"
_ESTIMATED = "estimated from the times of the stages"


def _one_query(case: CaseRecord, latency: Latency) -> Cost:
    """As measured: within its interval where the machine was quiet, else no faster than the fastest call."""
    verdict = known(of(case.noise, lambda noise: noise.verdict))
    value, interval = known(typical.latency_s(case)) or latency.median, known(typical.latency_ci99_s(case))
    if verdict == "quiet" and interval is not None:
        return Cost(value, min(interval[0], value), max(interval[1], value))
    why = "too few calls for an interval" if verdict == "quiet" else f"the machine was {verdict or 'not watched'}"
    return Cost(value, min(latency.min, value), math.inf, (why,))


def _video_s(case: CaseRecord, latency: Latency) -> float | None:
    """Seconds that belong to the video alone; None where the stages do not say."""
    stages = known(latency.by_stage)
    counted = known(of(case.compute, lambda compute: compute.by_stage)) or {}
    once = known(of(case.compute, lambda compute: compute.query_independent_macs))
    if not stages or sum(counted[name].macs for name in VIDEO_STAGES if name in counted) != once:
        return None
    return sum(stages.get(name, 0.0) for name in VIDEO_STAGES) if once else 0.0

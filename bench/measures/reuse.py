"""Queries that share a video: it is encoded once, then they are grounded in it one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

from bench import budget, stats
from bench.cases import Case
from bench.execution import Execution, Parts, required
from bench.instruments.latency import LatencyProbe, rounds_for
from bench.instruments.noise import NoiseWindow
from bench.measure import Measure, Timing
from bench.missing import Missing, or_missing
from bench.profiles import Profile
from bench.record import Reuse, ReusePoint
from bench.workbench import Workbench
from emtm.data.batch import Batch

_MOST_PASSES = 200


def start(bench: Workbench, case: Case) -> Timing:
    """Passes over each number of queries of the profile."""
    budget.check_reuse(case.dataset, bench.profile)
    parts, call_s = required(bench.runner(case).parts), bench.call_s(case)
    pool = bench.batches(case, case.batch_size)
    found = list[Reuse]()
    return Timing(lambda: found.append(sweep(parts, pool, case.execution, call_s, bench.profile)), lambda: found)


def sweep(parts: Parts, pool: Sequence[Batch], execution: Execution, call_s: float, profile: Profile) -> Reuse:
    """All numbers of queries, fewest first, for a model that takes about `call_s` seconds with a query and its video.

    Raises TooDearError when not even the smallest number fits the profile.
    """

    def ask(queries: int) -> None:
        encoded = parts.encode_video(pool[0])
        for batch in islice(cycle(pool), queries):
            parts.ground(encoded, batch)

    ask(len(pool))
    noise, query_s, points = NoiseWindow(), call_s, list[ReusePoint]()
    for queries in profile.reuse_queries:
        reason = budget.too_dear(1, queries * query_s, profile.limits.reuse_s, profile, f"pass over {queries} queries")
        if reason is not None:
            points.append(ReusePoint(queries=queries, value=Missing(reason), status="skipped"))
            continue
        probe = LatencyProbe(ask, (queries,), execution.device)
        probe.repeat(rounds_for(queries * query_s, profile.reuse_point_s, 1, _MOST_PASSES))
        points.append(_point(queries, probe.samples_s))
        query_s = min(query_s, min(probe.samples_s) / queries)
    if points[0].status == "skipped" and isinstance(points[0].value, Missing):
        raise budget.TooDearError(points[0].value.reason)
    return Reuse(num_threads=execution.threads, curve=tuple(points), noise=noise.close())


def _point(queries: int, passes_s: Sequence[float]) -> ReusePoint:
    found = stats.summarise([seconds / queries for seconds in passes_s])
    return ReusePoint(
        queries=queries,
        value=found.median,
        ci99=or_missing(found.median_ci99, stats.interval_reason(found.n, "passes")),
        passes=found.n,
        status="ok",
    )


REUSE = Measure("queries per video", "single_stream", (Reuse,), start, order=25)

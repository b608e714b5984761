"""Queries a second over batch sizes, on all cores."""

from __future__ import annotations

from collections.abc import Callable

from bench import budget
from bench.cases import Case
from bench.instruments import throughput
from bench.instruments.noise import NoiseWindow
from bench.measure import Measure, Timing
from bench.missing import Missing
from bench.record import Throughput
from bench.workbench import Workbench


def start(bench: Workbench, case: Case) -> Timing:
    """One sweep."""
    call_s = bench.call_s(case)
    found = list[Throughput]()
    return Timing(lambda: found.append(sweep(bench, case, call_s)), lambda: found)


def sweep(bench: Workbench, case: Case, call_s: float) -> Throughput:
    """The batch sweep of a runner that takes `call_s` seconds a query.

    Raises TooDearError when not even the smallest batch fits the profile.
    """
    runner, profile, noise = bench.runner(case), bench.profile, NoiseWindow()

    def make_run(size: int) -> Callable[[], object]:
        (batch,) = bench.batches(case, size, 1)
        return lambda: runner(batch)

    points = throughput.sweep(
        profile.throughput_batches,
        make_run,
        case.execution.device,
        profile.throughput_point_s,
        profile.throughput_calls,
        call_s,
        lambda calls, seconds: budget.too_dear(calls, seconds, profile.limits.sweep_point_s, profile),
    )
    if points[0].status == "skipped" and isinstance(points[0].value, Missing):
        raise budget.TooDearError(points[0].value.reason)
    top = throughput.best(points)
    assert not isinstance(top.value, Missing)
    return Throughput(
        value=top.value,
        ci99=top.ci99,
        calls=top.calls,
        best_batch=top.batch,
        knee_batch=throughput.knee_batch(points),
        num_threads=bench.all_threads,
        curve=tuple(points),
        noise=noise.close(),
    )


THROUGHPUT = Measure("throughput", "single_stream", (Throughput,), start, all_cores=True, batched=True, order=20)

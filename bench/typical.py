"""The time of one query that a reader is given, and how far it can be trusted."""

from __future__ import annotations

from bench import stats
from bench.missing import Missing, of
from bench.record import CaseRecord, Interval, Repeats


def latency_s(case: CaseRecord) -> float | Missing:
    """Mean over processes where there were several, else the median of one."""
    if isinstance(case.repeats, Missing):
        return of(case.latency, lambda latency: latency.median)
    return case.repeats.mean


def latency_ci99_s(case: CaseRecord) -> Interval | Missing:
    """Of processes where there were several, else of the calls of one, which knows nothing of other processes."""
    if isinstance(case.repeats, Missing):
        return of(case.latency, lambda latency: latency.median_ci99)
    return case.repeats.mean_ci99


def paired_ratio(one: Repeats, other: Repeats) -> tuple[float, Interval] | None:
    """Time of `other` over that of `one`, each in units of the reference product timed beside it, with a 99 % interval.

    Only processes that timed both count, since all that they share falls out; None when fewer than two did.
    """
    first, second = (_by_process(repeats) for repeats in (one, other))
    ratios = [second[number] / first[number] for number in first if number in second]
    mean, interval = stats.geometric_mean(ratios) if ratios else (1.0, None)
    return None if interval is None else (mean, interval)


def _by_process(repeats: Repeats) -> dict[int, float]:
    times = zip(repeats.processes, repeats.medians, repeats.reference_s, strict=True)
    return {number: seconds / reference_s for number, seconds, reference_s in times}

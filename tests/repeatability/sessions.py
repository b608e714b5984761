"""What sessions said of the ratio that is 1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from scipy.stats import beta

from bench.disturbance import disturbed
from bench.missing import Missing
from bench.run import Run
from bench.typical import paired_ratio

TWINS = ("emtm", "emtm-student")
"""One network at inference."""
PROMISED = 0.95


@dataclass(frozen=True, slots=True)
class Ratio:
    """Of the twins' times at the sizes of one dataset, in one session."""

    dataset: str
    ratio: float
    low: float
    high: float
    """Of the 99 % interval."""
    processes: int
    quiet: bool
    """Neither case was marked as disturbed."""

    @property
    def holds(self) -> bool:
        """Does the interval hold 1?"""
        return self.low <= 1 <= self.high


def ratios(run: Run) -> list[Ratio]:
    """One for each dataset at whose sizes a session timed both in two processes and more."""
    cases = [
        case
        for case in run.cases
        if case.model.name in TWINS
        and case.workload.scenario == "single_stream"
        and case.execution.backend == "eager"
        and not isinstance(case.repeats, Missing)
    ]
    found = []
    for dataset, group in groupby(sorted(cases, key=_dataset), key=_dataset):
        pair = sorted(group, key=lambda case: case.model.name)
        if len(pair) != len(TWINS):
            continue
        one, other = (case.repeats for case in pair)
        assert not isinstance(one, Missing) and not isinstance(other, Missing)
        answer = paired_ratio(one, other)
        if answer is not None:
            mean, (low, high) = answer
            both = len(set(one.processes) & set(other.processes))
            found.append(Ratio(dataset, mean, low, high, both, not any(map(disturbed, pair))))
    return found


def _dataset(case: Any) -> str:
    return str(case.workload.dataset)


def document(sessions: Iterable[tuple[str, list[Ratio]]], origin: dict[str, Any]) -> dict[str, Any]:
    """All of it, and how many intervals hold 1, with a 95 % interval of that share (Clopper and Pearson's)."""
    rows = [(created, list(found)) for created, found in sessions]
    every = [ratio for _, found in rows for ratio in found]
    quiet = [ratio for ratio in every if ratio.quiet]
    return {
        "format": "emtm-repeatability/1",
        **origin,
        "promised": PROMISED,
        "all": share(every),
        "unmarked": share(quiet),
        "sessions": [{"created_utc": created, "ratios": [asdict(ratio) for ratio in found]} for created, found in rows],
    }


def share(found: list[Ratio]) -> dict[str, Any]:
    """Of the intervals that hold 1."""
    count, hold = len(found), sum(ratio.holds for ratio in found)
    low = float(beta.ppf(0.025, hold, count - hold + 1)) if hold else 0.0
    high = float(beta.ppf(0.975, hold + 1, count - hold)) if hold < count else 1.0
    apart = sorted(abs(ratio.ratio - 1) for ratio in found)
    return {
        "intervals": count,
        "hold_1": hold,
        "share": hold / count if count else None,
        "share_ci95": [low, high] if count else None,
        "median_apart": apart[len(apart) // 2] if apart else None,
    }

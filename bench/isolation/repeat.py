"""Single queries timed once more in further processes, so that an interval speaks of more than one of them.

Where the allocator put the weights, and what the machine did in one minute, all calls of a process share: more calls
do not tell. Each further process times all cases in an order of its own, so that two cases that are compared were
timed by the same processes, minutes apart at the most.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from bench import stats
from bench.backends import REFERENCE
from bench.cases import Case
from bench.isolation.process import LostError, Process
from bench.isolation.questions import Pace
from bench.lab import Lab
from bench.missing import known, or_missing
from bench.record import CaseRecord, Repeats
from bench.subjects import SEED

_ALONE = "one process alone has no interval of processes"


def repeat(lab: Lab, process: Callable[[], Process], progress: Callable[[str], object]) -> None:
    """Times all cases with a latency in as many further processes as the profile says, and books what they show."""
    repeatable = list(_repeatable(lab))
    cases = [case for case, _ in repeatable]
    paces = {case.case_id: {1: first} for case, first in repeatable}
    for number in range(2, lab.profile.repeats + 2 if cases else 0):
        progress(f"process {number} of {lab.profile.repeats + 1}: {len(cases)} cases once more")
        fresh = process()
        try:
            for case in random.Random(f"{SEED} {number}").sample(cases, len(cases)):
                with suppress(LostError):
                    pace = fresh.repeat(case)
                    if pace is not None:
                        paces[case.case_id][number] = pace
        finally:
            fresh.close()
        for case in cases:
            lab.add(case, block(paces[case.case_id]))


def block(paces: Mapping[int, Pace]) -> Repeats:
    """Of what was shown by each process, by its number."""
    medians = tuple(pace.call_s for pace in paces.values())
    mean, interval = stats.geometric_mean(medians)
    return Repeats(
        processes=tuple(paces),
        medians=medians,
        reference_s=tuple(pace.reference_s for pace in paces.values()),
        mean=mean,
        mean_ci99=or_missing(interval, _ALONE),
    )


def _first(record: CaseRecord) -> Pace | None:
    """Of the process whose calls stand in the record."""
    latency, reference = known(record.latency), known(record.reference)
    return None if latency is None or reference is None else Pace(latency.median, reference.gemm_s)


def _repeatable(lab: Lab) -> Iterable[tuple[Case, Pace]]:
    """Sound cases with a latency, and what their first process showed.

    Only of PyTorch as it is: what other backends need to get ready would cost more.
    """
    for case in lab.matrix.cases:
        record = lab.records.get(case.case_id)
        if record is None or record.status != "ok" or case.execution.backend != REFERENCE:
            continue
        first = _first(record)
        if first is not None:
            yield case, first

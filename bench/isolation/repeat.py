"""Single queries timed once more in further processes, so that an interval speaks of more than one of them.

Where the allocator put the weights, and what the machine did in one minute, all calls of a process share: more calls
do not tell. Each further process times all cases in an order of its own, so that two cases that are compared were
timed by the same processes, minutes apart at the most.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from bench import budget, stats
from bench.backends import REFERENCE
from bench.cases import Case
from bench.isolation.apart import LostError
from bench.isolation.process import Process
from bench.isolation.questions import Pace
from bench.lab import Lab
from bench.missing import ABSENT, known, or_missing
from bench.record import CaseRecord, Repeats
from bench.subjects import SEED

FEWEST_QUIET = 3
_ALONE = "one process alone has no interval of processes"


def repeat(lab: Lab, process: Callable[[], Process], progress: Callable[[str], object]) -> None:
    """Times all cases with a latency in as many further processes as the profile says, and books what they show."""
    repeatable = list(_repeatable(lab))
    asked = [(case, first) for case, first in repeatable if not budget.repeat_too_dear(first.call_s, lab.profile)]
    # What an earlier sitting timed first was timed by another process than what this one did.
    paces = {case.case_id: {1: first} for case, first in repeatable if case.case_id not in lab.resumed}
    for number in range(2, lab.profile.repeats + 2 if repeatable else 0):
        progress(f"process {number} of {lab.profile.repeats + 1}: {len(asked)} cases once more")
        fresh = process()
        try:
            for case, first in random.Random(f"{SEED} {number}").sample(asked, len(asked)):
                with suppress(LostError):
                    pace = fresh.repeat(case, first.call_s, _macs(lab.record(case)))
                    if pace is not None:
                        paces.setdefault(case.case_id, {})[number] = pace
        finally:
            fresh.close()
        for case in (case for case, _ in repeatable if case.case_id in paces):
            _book(lab, case, paces[case.case_id])


def block(paces: Mapping[int, Pace]) -> Repeats:
    """Of what was shown by each process, by its number.

    Processes that were disturbed do not count, unless so few were not that they would show no spread.
    """
    quiet = {number: pace for number, pace in paces.items() if not pace.noisy}
    counted = quiet if len(quiet) >= FEWEST_QUIET else paces
    medians = tuple(pace.call_s for pace in counted.values())
    mean, interval = stats.geometric_mean(medians)
    left_out = tuple(number for number in paces if number not in counted)
    return Repeats(
        processes=tuple(counted),
        medians=medians,
        reference_s=tuple(pace.reference_s for pace in counted.values()),
        mean=mean,
        mean_ci99=or_missing(interval, _ALONE),
        left_out=left_out or ABSENT,
    )


def _book(lab: Lab, case: Case, paces: Mapping[int, Pace]) -> None:
    """A mean in which disturbed processes count marks its case, however quiet the first one was."""
    found = lab.add(case, block(paces))
    repeats, noise = known(found.repeats), known(found.noise)
    assert repeats is not None
    if noise is not None and any(paces[number].noisy for number in repeats.processes):
        lab.add(case, dataclasses.replace(noise, verdict="noisy"))


def _first(record: CaseRecord) -> Pace | None:
    """Of the process whose calls stand in the record."""
    latency, reference, noise = known(record.latency), known(record.reference), known(record.noise)
    if latency is None or reference is None:
        return None
    return Pace(latency.median, reference.gemm_s, noise is not None and noise.verdict != "quiet")


def _macs(record: CaseRecord) -> int | None:
    compute = known(record.compute)
    return None if compute is None else compute.macs


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

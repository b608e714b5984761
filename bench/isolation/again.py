"""What was measured in noise is measured again, once the machine is quiet, while the profile allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from bench.blocks import places, with_blocks
from bench.cases import Case
from bench.disturbance import WATCHED, own_noise
from bench.instruments.noise import cores_in_use
from bench.isolation.apart import LostError
from bench.isolation.process import Process
from bench.lab import Lab
from bench.measure import Measure
from bench.missing import Missing
from bench.record import CaseRecord, Noise

QUIET_CORES = 0.1
"""Of which others may keep so much busy."""
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Made:
    """A measure that was made, and who is shown the seconds of its calls."""

    case: Case
    measure: Measure
    show: Callable[[tuple[float, ...]], object]


def again(lab: Lab, process: Process, made: Iterable[Made], progress: Callable[[str], object]) -> None:
    """Makes those once more that were disturbed, and keeps what quiet shows; the others keep their mark."""
    disturbed = [one for one in made if noise_of(lab.record(one.case), one.measure) == "noisy"]
    ends = time.monotonic() + lab.profile.again_s
    for left, one in zip(range(len(disturbed), 0, -1), disturbed, strict=True):
        progress(f"{left} measured while the machine was noisy, waiting for quiet to measure again")
        if not _quiet(ends):
            progress(f"{left} stay as they were measured in noise, and marked: the machine does not come to rest")
            return
        # A lost process costs the second try alone.
        with suppress(LostError):
            _once_more(lab, process, one)


def noise_of(record: CaseRecord, measure: Measure) -> str:
    """Verdict on the machine while a measure was made; empty where none was watched for."""
    noise = _noise(record, measure)
    return "" if isinstance(noise, Missing) else noise.verdict


def _noise(record: CaseRecord, measure: Measure) -> Noise | Missing:
    for kind in WATCHED:
        if kind in measure.fills:
            return own_noise(record, kind)
    return record.noise if Noise in measure.fills else Missing("not watched for")


def _once_more(lab: Lab, process: Process, one: Made) -> None:
    before = lab.record(one.case)
    answer = process.measure(one.case, before, one.measure)
    if answer.refused or noise_of(answer.record, one.measure) != "quiet":
        lab.book(one.case, _counted(before, one.measure))
        return
    lab.book(one.case, _counted(answer.record, one.measure))
    one.show(answer.samples_s)


def _counted(record: CaseRecord, measure: Measure) -> CaseRecord:
    """The record with a second time in its noise."""
    noise = _noise(record, measure)
    assert not isinstance(noise, Missing)
    noise = replace(noise, measured=2)
    swept = next((kind for kind in WATCHED if kind in measure.fills), None)
    if swept is None:
        return replace(record, noise=noise)
    return with_blocks(record, [replace(getattr(record, places()[swept]), noise=noise)])


def _quiet(ends: float) -> bool:
    """Waits until others leave the machine alone; False where that does not come in time."""
    return any(use < QUIET_CORES for use in _uses(ends))


def _uses(ends: float) -> Iterator[float]:
    while time.monotonic() < ends:
        use = cores_in_use()
        yield use
        time.sleep(min(_PAUSE_S, max(0.0, ends - time.monotonic())))

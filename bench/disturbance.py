"""How much of a run was measured while the machine was noisy, and whether its times can be used at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bench.blocks import places
from bench.missing import Missing, known_of
from bench.record import CaseRecord, Growth, Noise, Reuse, Roofline, Throughput

INVALID_SHARE = 0.5
"""Of the timed cases; a run of which more were disturbed has no times to speak of."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Cases of which the machine was watched while they were timed, and those that were disturbed."""

    watched: int
    disturbed: int

    @property
    def verdict(self) -> Literal["quiet", "noisy", "invalid"]:
        """Of all times together."""
        if self.disturbed > INVALID_SHARE * self.watched:
            return "invalid"
        return "noisy" if self.disturbed else "quiet"

    def __str__(self) -> str:
        return f"{self.disturbed} of {self.watched} timed cases were measured while the machine was noisy"


def disturbance(cases: Iterable[CaseRecord]) -> Disturbance:
    """Of cases with a result."""
    watched = [case for case in cases if case.status == "ok" and noises(case)]
    return Disturbance(len(watched), sum(map(disturbed, watched)))


def disturbed(case: CaseRecord) -> bool:
    """May a time of it be too long?"""
    return any(noise.verdict != "quiet" for noise in noises(case))


def noises(case: CaseRecord) -> tuple[Noise, ...]:
    """What the machine did during each of the case's timings that were watched."""
    return tuple(known_of((case.noise, *(own_noise(case, kind) for kind in WATCHED))))


Watched = Throughput | Reuse | Growth | Roofline
WATCHED: tuple[type[Watched], ...] = (Throughput, Reuse, Growth, Roofline)
"""Sweeps, and calls stage by stage, are watched for themselves."""


def own_noise(case: CaseRecord, kind: type[Watched] = Throughput) -> Noise | Missing:
    """What the machine did during one of them."""
    found: Watched | Missing = getattr(case, places()[kind])
    return found if isinstance(found, Missing) else found.noise

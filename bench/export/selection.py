"""Which figures of a run may leave it: those of sound cases, and times only where the machine was quiet.

A dashboard has no room for a doubt, so what is doubtful stays in the run file. Nothing is ever exported as 0
because it is not there.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.disturbance import own_noise
from bench.export.quantities import QUANTITIES, Figure, Quantity
from bench.missing import Missing, known
from bench.record import CaseRecord
from bench.run import Run


@dataclass(frozen=True, slots=True)
class Point:
    """One figure of one case."""

    case: CaseRecord
    quantity: Quantity
    figure: Figure


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is in the run file, but not in the export."""

    case_id: str
    what: str
    """Key of a quantity; `case` for all of them."""
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Points in the order of the run file, and what was left out."""

    points: tuple[Point, ...]
    left_out: tuple[LeftOut, ...]

    def kept_back(self, case: CaseRecord) -> str | None:
        """What of a case is left out and why, in one line; None where all is there."""
        reasons: dict[str, list[str]] = {}
        for found in self.left_out:
            if found.case_id == case.case_id:
                reasons.setdefault(found.reason, []).append(found.what)
        return "; ".join(f"{', '.join(what)}: {reason}" for reason, what in reasons.items()) or None


def select(run: Run) -> Selection:
    """The figures of `run` that stand without a footnote."""
    points: list[Point] = []
    left_out: list[LeftOut] = []
    for case in run.cases:
        if case.status != "ok":
            left_out.append(LeftOut(case.case_id, "case", failure(case)))
            continue
        for quantity in QUANTITIES:
            figure = quantity.read(case)
            if isinstance(figure, Missing):
                continue
            reason = doubt(case, quantity)
            if reason is not None:
                left_out.append(LeftOut(case.case_id, quantity.key, reason))
            else:
                points.append(Point(case, quantity, figure))
    return Selection(tuple(points), tuple(left_out))


def failure(case: CaseRecord) -> str:
    """Status and reason of a case without a result."""
    return f"{case.status}: {case.reason.reason if isinstance(case.reason, Missing) else case.reason}"


def doubt(case: CaseRecord, quantity: Quantity) -> str | None:
    """Why a figure of a case is not clean; None where it is."""
    if not quantity.timed:
        return None
    # In files made before sweeps were watched, their noise is that of the rest of the case.
    noise = (known(own_noise(case)) if quantity.key == "throughput" else None) or case.noise
    if isinstance(noise, Missing):
        return f"no verdict on the machine's noise: {noise.reason}"
    return None if noise.verdict == "quiet" else f"measured while the machine was {noise.verdict}"

"""Verdicts: what the evidence says of each claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.claims.claim import Bound, Claim
from bench.claims.estimate import Estimate, Part
from bench.claims.evidence import Evidence
from bench.missing import Missing
from emtm.errors import ExitCode


class Verdict(StrEnum):
    """On a claim, or on a part of one; of several parts, the first in this order is the claim's."""

    REFUTED = "refuted"
    """The whole interval breaks the bound."""
    INCONCLUSIVE = "inconclusive"
    """The interval lies on both sides of the bound."""
    NOT_MEASURED = "not measured"
    SUPPORTED = "supported"
    """The whole interval keeps the bound."""


@dataclass(frozen=True, slots=True)
class JudgedPart:
    """A part and its verdict."""

    name: str
    found: Estimate | Missing
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim with the verdict on it."""

    claim: Claim
    verdict: Verdict
    parts: tuple[JudgedPart, ...]
    """Those that decide first: by verdict, then by how near they are to breaking the bound."""


def judge(claims: Sequence[Claim], evidence: Evidence) -> tuple[Judged, ...]:
    """Every claim; all of its parts must hold for it to be supported."""
    return tuple(_judged(claim, evidence) for claim in claims)


def exit_code(judged: Sequence[Judged]) -> ExitCode:
    """REFUTED where a claim that is kept is refuted."""
    broken = any(one.claim.kept and one.verdict is Verdict.REFUTED for one in judged)
    return ExitCode.REFUTED if broken else ExitCode.FINE


def _judged(claim: Claim, evidence: Evidence) -> Judged:
    if claim.measure is None:
        return Judged(claim, Verdict.NOT_MEASURED, ())
    order, bound = list(Verdict), claim.holds
    parts = [JudgedPart(part.name, part.found, _verdict(claim, part)) for part in claim.measure.parts(evidence)]
    parts.sort(key=lambda part: (order.index(part.verdict), _margin(bound, part.found)))
    return Judged(claim, parts[0].verdict if parts else Verdict.NOT_MEASURED, tuple(parts))


def _margin(bound: Bound | None, found: Estimate | Missing) -> float:
    return 0.0 if bound is None or isinstance(found, Missing) else bound.margin(found)


def _verdict(claim: Claim, part: Part) -> Verdict:
    if isinstance(part.found, Missing) or claim.holds is None:
        return Verdict.NOT_MEASURED
    return {True: Verdict.SUPPORTED, False: Verdict.REFUTED, None: Verdict.INCONCLUSIVE}[claim.holds.kept(part.found)]

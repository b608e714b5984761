"""Verdicts as JSON, for programs."""

from __future__ import annotations

from collections.abc import Sequence

from bench.claims.judging import Judged, JudgedPart
from bench.missing import Json, Missing


def document(judged: Sequence[Judged], code: int) -> dict[str, Json]:
    """Every claim with its parts, those that decide first."""
    return {"exit_code": code, "claims": [_claim(one) for one in judged]}


def _claim(one: Judged) -> dict[str, Json]:
    claim = one.claim
    return {
        "id": claim.id,
        "text": claim.text,
        "source": claim.source,
        "protocol": claim.protocol,
        "needs": claim.needs,
        "kept": claim.kept,
        "holds": None if claim.holds is None else str(claim.holds),
        "verdict": one.verdict.value,
        "parts": [_part(part) for part in one.parts],
    }


def _part(part: JudgedPart) -> dict[str, Json]:
    start: dict[str, Json] = {"name": part.name, "verdict": part.verdict.value}
    found = part.found
    if isinstance(found, Missing):
        return start | {"value": None, "value_reason": found.reason}
    return start | {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "unit": found.unit,
        "basis": found.basis,
        "evidence": [str(read) for read in found.read],
    }

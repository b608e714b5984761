"""What was measured while the machine was disturbed."""

from __future__ import annotations

from typing import Literal

from bench.missing import known, of
from bench.record import CaseRecord


def verdict(case: CaseRecord) -> Literal["quiet", "noisy", "invalid"]:
    """On the times of a case; quiet where nothing says otherwise."""
    return known(of(case.noise, lambda noise: noise.verdict)) or "quiet"


def disturbed(case: CaseRecord) -> bool:
    """May its times be too long?"""
    return verdict(case) != "quiet"

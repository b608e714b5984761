"""Kinds of measurement, one a file; each holds a `bench.measure.Measure`. A file that is put here is found."""

from __future__ import annotations

from bench.discovery import instances
from bench.measure import Measure


def measures() -> tuple[Measure, ...]:
    """All there are, in the order in which those of one case are made."""
    return tuple(sorted(instances(__name__, Measure), key=lambda measure: (measure.order, measure.name)))

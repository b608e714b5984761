"""The formats, in the order of the help text."""

from __future__ import annotations

from bench.export import asv, bencher, csv, gab, junit, openmetrics
from bench.export.format import Format
from emtm.errors import UserError, unknown

FORMATS: tuple[Format, ...] = (
    gab.FORMAT,
    bencher.FORMAT,
    asv.FORMAT,
    csv.FORMAT,
    openmetrics.FORMAT,
    junit.FORMAT,
)


def format_named(name: str) -> Format:
    """The format; raises UserError for an unknown name."""
    for candidate in FORMATS:
        if candidate.name == name:
            return candidate
    raise UserError(unknown("format", name, [candidate.name for candidate in FORMATS]))

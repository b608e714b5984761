"""How much one figure shows: paper ends, a picture has a largest size, and nobody reads a thousand bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from bench.report.content.cases import Group

PANELS, MODELS = 12, 60


class _Labelled(Protocol):
    @property
    def label(self) -> str: ...


RowT = TypeVar("RowT", bound=_Labelled)


def within(groups: Sequence[Group[RowT]]) -> tuple[list[Group[RowT]], str]:
    """The first datasets, with the first models among them, and a sentence that says what is left to the tables."""
    shown = list(groups[:PANELS])
    models = dict.fromkeys(row.label for group in shown for row in group.rows)
    kept = set(list(models)[:MODELS])
    if len(models) > MODELS:
        shown = [replace(group, rows=tuple(row for row in group.rows if row.label in kept)) for group in shown]
        shown = [group for group in shown if group.rows]
    parts = [
        f"{count:,} of {there:,} {what}"
        for count, there, what in ((len(shown), len(groups), "datasets"), (len(kept), len(models), "models"))
        if count < there
    ]
    return shown, f" Shown are {' and '.join(parts)}; the tables have all." if parts else ""

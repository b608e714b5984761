"""How much one figure shows: paper ends, a picture has a largest size, and nobody reads a thousand bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from bench.report.content.cases import Group
from bench.report.content.pareto import Standing
from bench.report.content.standings import Tradeoff

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
    return shown, _left_out((len(shown), len(groups), "datasets"), (len(kept), len(models), "models"))


def foremost(tradeoffs: Sequence[Tradeoff]) -> list[tuple[Tradeoff, str]]:
    """The first scopes; of each the models of any front, then the most accurate, and what is left to the tables."""
    shown = tradeoffs[:PANELS]
    return [_foremost(tradeoff, (len(shown), len(tradeoffs), "datasets")) for tradeoff in shown]


def _foremost(tradeoff: Tradeoff, scopes: tuple[int, int, str]) -> tuple[Tradeoff, str]:
    front = {one.entry.label for _, placed in tradeoff.panels for one in placed if one.standing is Standing.FRONT}
    ranked = sorted(tradeoff.entries, key=lambda entry: (entry.label not in front, -entry.model.headline))
    kept = {entry.label for entry in ranked[:MODELS]}
    entries = tuple(entry for entry in tradeoff.entries if entry.label in kept)
    panels = ((cost, tuple(one for one in placed if one.entry.label in kept)) for cost, placed in tradeoff.panels)
    shown = replace(tradeoff, entries=entries, panels=tuple((cost, placed) for cost, placed in panels if placed))
    return shown, _left_out(scopes, (len(entries), len(tradeoff.entries), "models"))


def _left_out(*counts: tuple[int, int, str]) -> str:
    """Of how many shown, of how many there, of what."""
    parts = [f"{count:,} of {there:,} {what}" for count, there, what in counts if count < there]
    return f" Shown are {' and '.join(parts)}; the tables have all." if parts else ""

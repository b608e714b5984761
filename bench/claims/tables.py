"""Verdicts as tables."""

from __future__ import annotations

from collections.abc import Sequence

from bench.claims.estimate import Estimate
from bench.claims.judging import Judged, JudgedPart, Verdict
from bench.missing import Missing
from bench.report.quantity import digits, scientific
from bench.report.sections.cells import Cell, Table, empty, text

_LISTED = 2
_SMALL = 1e-3


def claim_tables(judged: Sequence[Judged]) -> list[Table]:
    """The verdicts, the numbers behind them, and what is needed where there is none."""
    found = [
        Table(
            title="Claims",
            caption="Supported: the whole interval keeps the bound; refuted: none of it does. Where a claim has "
            "several parts, all must hold, and the estimate is that of the one that decides.",
            headers=("Claim", "Verdict", "Estimate", "Holds if", "Kept", "What is claimed"),
            rows=tuple(_row(one) for one in judged),
        ),
        Table(
            title="What each verdict rests on",
            caption="Exact where no interval is given.",
            headers=("Claim", "Part", "Verdict", "Estimate", "Interval over", "Evidence"),
            rows=tuple(_part(one, part) for one in judged for part in one.parts),
        ),
        Table(
            title="What is not measured",
            caption="",
            headers=("Claim", "What a verdict takes"),
            rows=tuple(
                (text(one.claim.id), text(one.claim.needs)) for one in judged if one.verdict is Verdict.NOT_MEASURED
            ),
        ),
    ]
    return [table for table in found if table.rows]


def _row(one: Judged) -> tuple[Cell, ...]:
    claim = one.claim
    return (
        text(claim.id),
        text(one.verdict.value),
        _estimate(one.parts[0].found) if one.parts else empty(claim.needs),
        text("" if claim.holds is None else str(claim.holds)),
        text("yes" if claim.kept else ""),
        text(claim.text),
    )


def _part(one: Judged, part: JudgedPart) -> tuple[Cell, ...]:
    found = part.found
    known = None if isinstance(found, Missing) else found
    return (
        text(one.claim.id),
        text(part.name),
        text(part.verdict.value),
        _estimate(found),
        text("" if known is None else known.basis),
        text("" if known is None else shown_evidence(known)),
    )


def shown_evidence(estimate: Estimate) -> str:
    """Each file once, with the places that the estimate was read from; of many, the first two."""
    files: dict[str, list[str]] = {}
    for read in estimate.read:
        files.setdefault(read.file, []).append(read.place)
    return "; ".join(f"{file}: {_short(places)}" for file, places in files.items())


def _short(places: Sequence[str]) -> str:
    more = len(places) - _LISTED
    return ", ".join([*places[:_LISTED], *([f"{more} more"] if more > 0 else [])])


def _estimate(found: Estimate | Missing) -> Cell:
    if isinstance(found, Missing):
        return empty(found.reason)
    unit = f" {found.unit}" if found.unit else ""
    if found.exact:
        return Cell(f"{_number(found.value)}{unit}", found.value)
    return Cell(f"{_number(found.value)} [{_number(found.low)}, {_number(found.high)}]{unit}", found.value)


def _number(value: float) -> str:
    if 0 < abs(value) < _SMALL:
        return scientific(value)
    return f"{value:.0f}" if value == int(value) and abs(value) < 1000 else digits(value)

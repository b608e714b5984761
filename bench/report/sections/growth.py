"""What a query costs in ever longer videos, and with which power of their length that grows."""

from __future__ import annotations

from bench.missing import Missing, of
from bench.record import Exponent
from bench.report.content.cases import Group
from bench.report.content.content import Content
from bench.report.content.growth import Growing
from bench.report.content.numbered import Each
from bench.report.figures.growth import growth_figures
from bench.report.quantity import byte_size, digits
from bench.report.sections.cells import Cell, Table, about, empty, measured, timed
from bench.report.sections.section import Section


def section(content: Content) -> Section:
    """Times, activations and exponents."""
    tables = tuple(table for group in content.growing for table in (_times(group), _memory(group)))
    return Section(
        key="growth",
        title="Cost against the length of the video",
        figures=tuple(growth_figures(content.growing)),
        tables=tables,
        protocol=(_PROTOCOL,) if tables else (),
    )


_PROTOCOL = (
    "For each length the model is built with random weights and asked single queries of one video of so many clips. "
    "Exponents are least squares on logarithms, with Student's t over the lengths, of the same lengths for time, MACs "
    "and memory: time that grows faster than MACs is spent on moving data."
)


def _times(group: Group[Growing]) -> Table:
    lengths, start = _lengths(group), max(row.growth.fitted_from_clips for row in group.rows)
    powers = tuple(f"Exponent of {name}" for name in group.rows[0].exponents)
    clips = tuple(map(_head, lengths))
    return Table(
        title=f"Time of a query against clips at the sizes of {group.dataset}",
        caption=f"Exponents [95 % CI] from {start} clips on: cost grows as clips to that power.",
        headers=("Model", *powers, *clips),
        rows=tuple(
            (
                about(row.seconds.subject),
                *map(_power, row.exponents.values()),
                *(_seconds(row.seconds.each.get(number, _NOT_ASKED)) for number in lengths),
            )
            for row in group.rows
        ),
        timed=frozenset({powers[0], *clips}),
    )


def _memory(group: Group[Growing]) -> Table:
    lengths = _lengths(group)
    return Table(
        title=f"Activations of a query against clips at the sizes of {group.dataset}",
        caption="The most that intermediate tensors take at once; it does not depend on the machine.",
        headers=("Model", *map(_head, lengths)),
        rows=tuple(
            (about(row.memory.subject), *(_bytes(row.memory.each.get(number, _NOT_ASKED)) for number in lengths))
            for row in group.rows
        ),
    )


_NOT_ASKED = Missing("not among the lengths of this run")


def _lengths(group: Group[Growing]) -> list[int]:
    return sorted({number for row in group.rows for number in row.seconds.each})


def _head(number: int) -> str:
    return f"{number:,} clips"


def _power(found: Exponent | Missing) -> Cell:
    if isinstance(found, Missing):
        return empty(found.reason)
    if isinstance(found.ci95, Missing):
        return Cell(digits(found.value), found.value, f"no interval: {found.ci95.reason}")
    low, high = found.ci95
    return Cell(f"{digits(found.value)} [{digits(low)}, {digits(high)}]", found.value)


def _seconds(each: Each | Missing) -> Cell:
    return empty(each.reason) if isinstance(each, Missing) else timed(each.value, each.interval)


def _bytes(each: Each | Missing) -> Cell:
    return measured(of(each, lambda one: one.value), byte_size)

"""What sharing a video saves: the cost of a query against the number of queries that share its video."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.content.cases import Group
from bench.report.content.numbered import Each, Numbered
from bench.report.figures.numbered import numbered_figures
from bench.report.figures.numbered_plot import Quantity, Wording
from bench.report.figures.plot import Key
from bench.report.figures.style import Figure
from bench.report.quantity import share, si


def reuse_figures(macs: Sequence[Group[Numbered]], seconds: Sequence[Group[Numbered]]) -> list[Figure]:
    """One panel a quantity and dataset, one line a model; nothing where nothing is known of several queries."""
    return numbered_figures([Quantity("MACs", si, macs), Quantity("Time", _seconds, seconds)], _WORDING)


def _seconds(value: float) -> str:
    return si(value, "s")


def _told(quantity: Quantity, row: Numbered, number: int, each: Each) -> str:
    written = quantity.written(each.value) + (" MACs" if quantity.name == "MACs" else "")
    part = share(100 * each.value / row.known()[1].value)
    estimated = "" if each.measured else ", from the times of the stages"
    queries = "1 query" if number == 1 else f"{number:,} queries"
    return f"{row.label}, {queries} a video: {written} a query, {part} of a single one{estimated}"


def _alt(panels: Sequence[tuple[Quantity, Group[Numbered]]]) -> str:
    """Who saves most, and who least, panel by panel."""
    found = []
    for quantity, group in panels:
        ends = sorted((row.last.value / row.known()[1].value, max(row.known()), row.label) for row in group.rows)
        told = [
            f"{label} {share(100 * rest)} at {queries:,}" for rest, queries, label in dict.fromkeys((ends[0], ends[-1]))
        ]
        found.append(f"{quantity.name} at the sizes of {group.dataset}: {' to '.join(told)}")
    return f"Cost of a query by queries a video; in percent of a single query's, from most saved: {'; '.join(found)}."


_WORDING = Wording(
    name="queries-per-video",
    title="What a query costs where several share a video",
    subtitle="Against queries a video, which is encoded once for all of them",
    across="queries a video",
    caption=(
        "A model that does much for the video alone gains most. MACs are exact. A full mark is a time that was "
        "measured, a hollow one follows from the times of the stages. Both axes are logarithmic."
    ),
    keys=(
        Key("circle", "muted", "exact, or measured"),
        Key("circle", "muted", "from the times of the stages", hollow=True),
    ),
    told=_told,
    alt=_alt,
)

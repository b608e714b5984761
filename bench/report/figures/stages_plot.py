"""Share of each stage in the MACs of one query, for the page."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.content.cases import Group
from bench.report.content.stages import Stages
from bench.report.figures.plot import Axis, Block, Key, Panel, Plot
from bench.report.figures.style import brief
from bench.report.quantity import si

_WRITTEN_FROM = 9.0
"""A share in percent below this has no room for its number."""


def stages_plot(groups: Sequence[Group[Stages]], stages: Sequence[str], subtitle: str) -> Plot:
    """One panel a dataset, one bar a model."""
    tones = {stage: f"series-{i % 10}" for i, stage in enumerate(stages)}
    keys = tuple(Key("block", tone, brief(stage)) for stage, tone in tones.items())
    return Plot(subtitle, tuple(_panel(group, tones) for group in groups), keys)


def _panel(group: Group[Stages], tones: dict[str, str]) -> Panel:
    rows = list(group.rows)[::-1]
    return Panel(
        title=f"{brief(group.dataset)} sizes",
        x=Axis("", 0.0, 122.0, tuple((float(tick), f"{tick} %") for tick in (0, 25, 50, 75, 100))),
        y=Axis("", -0.6, len(rows) - 0.4, tuple((float(i), brief(row.label)) for i, row in enumerate(rows))),
        blocks=tuple(block for i, row in enumerate(rows) for block in _bar(i, row, tones)),
        notes=tuple((101.5, float(i), si(row.whole)) for i, row in enumerate(rows)),
    )


def _bar(at: int, row: Stages, tones: dict[str, str]) -> list[Block]:
    left, found = 0.0, []
    for stage, tone in tones.items():
        if share := 100 * row.parts.get(stage, 0.0) / row.whole:
            found.append(
                Block(
                    left=left,
                    right=left + share,
                    row=at,
                    tone=tone,
                    text=f"{share:.0f}" if share >= _WRITTEN_FROM else "",
                    told=f"{row.label}, {stage}: {si(row.parts[stage])} MACs, {share:.1f} % of {si(row.whole)}",
                    subject=row.subject,
                )
            )
            left += share
    return found

"""Where each model spends its multiply-adds: bars of shares, with the total written at the end.

Totals span orders of magnitude, and stacked bars on a logarithmic axis would lie about the parts.
"""

from __future__ import annotations

from collections.abc import Sequence

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from bench.report.content.cases import Group
from bench.report.content.stages import Stages, stages_of
from bench.report.figures.extent import within
from bench.report.figures.stages_plot import stages_plot
from bench.report.figures.style import INK, PALETTE, Figure, brief, canvas, finish, head, look
from bench.report.quantity import si
from emtm.contract import STAGES

_OTHER = (0.6, 0.6, 0.6)
_WRITTEN_FROM = 7.0
"""A share in percent below this has no room for its number."""


def stage_figures(groups: Sequence[Group[Stages]]) -> list[Figure]:
    """One panel a dataset, one bar a model; nothing where no case knows its stages."""
    if not groups:
        return []
    groups, left_out = within(groups)
    models = list(dict.fromkeys(row.label for group in groups for row in reversed(group.rows)))
    stages = stages_of(row for group in groups for row in group.rows)
    title = "Where the multiply-adds go"
    with look():
        figure = canvas(1.8 + 3.4 * len(groups), 1.5 + 0.42 * len(models))
        axes = figure.subplots(1, len(groups), squeeze=False, sharey=True).flatten()
        subtitle = "Share of each stage in the MACs of one query; the total stands at the end of the bar"
        head(figure, title, subtitle)
        for ax, group in zip(axes, groups, strict=True):
            _panel(ax, group, models, stages)
        handles = [Patch(color=_colour(name), label=brief(name)) for name in stages]
        figure.legend(handles=handles, loc="outside lower left", ncols=len(stages), frameon=False, fontsize=8.5)
        caption = f"Shares of exact MACs; training-only branches do not run. The table below has the numbers.{left_out}"
        datasets = ", ".join(group.dataset for group in groups)
        alt = f"Stacked bars of MAC shares by stage for {', '.join(models)} on {datasets}."
        return [finish(figure, "stages", title, alt, caption, stages_plot(groups, stages, subtitle))]


def _colour(stage: str) -> tuple[float, float, float]:
    return PALETTE[STAGES.index(stage)] if stage in STAGES else _OTHER


def _panel(ax: Axes, group: Group[Stages], models: list[str], stages: list[str]) -> None:
    ax.set_title(f"{brief(group.dataset)} sizes")
    ax.set_yticks(range(len(models)), [brief(model) for model in models])
    ax.tick_params(axis="y", labelcolor=INK)
    for row in group.rows:
        _bar(ax, models.index(row.label), row, stages)
    ax.set_ylim(-0.55, len(models) - 0.45)
    ax.set_xlim(0, 124)
    ax.set_xticks([0, 25, 50, 75, 100])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
    ax.grid(visible=False, axis="y")
    sns.despine(ax=ax, left=True, bottom=True)


def _bar(ax: Axes, at: int, row: Stages, stages: list[str]) -> None:
    left = 0.0
    for name in stages:
        share = 100 * row.parts.get(name, 0.0) / row.whole
        ax.barh(at, share, left=left, height=0.66, color=_colour(name), edgecolor="white", linewidth=0.8)
        if share >= _WRITTEN_FROM:
            ax.text(left + share / 2, at, f"{share:.0f}", ha="center", va="center", fontsize=8, color=_ink(name))
        left += share
    ax.text(left + 2, at, si(row.whole), va="center", fontsize=9, color=INK)


def _ink(stage: str) -> str:
    red, green, blue = _colour(stage)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK

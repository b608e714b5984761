"""Where each model spends its multiply-adds: bars of shares, with the total written at the end.

Totals span orders of magnitude, and stacked bars on a logarithmic axis would lie about the parts.
"""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from bench.report.audit import counted, stage_macs, stage_place
from bench.report.frame import Row, number
from bench.report.quantity import si
from bench.report.style import INK, PALETTE, Figure, canvas, finish, head, look
from bench.report.tables import by_dataset, model_label
from emtm.contract import STAGES

_OTHER = (0.6, 0.6, 0.6)
_WRITTEN_FROM = 7.0
"""A share in percent below this has no room for its number."""


def stage_figure(cases: pd.DataFrame) -> Figure | None:
    """One panel a dataset, one bar a model; None where no case knows its stages."""
    groups = by_dataset([row for row in counted(cases) if stage_macs(row)])
    if not groups:
        return None
    models = list(dict.fromkeys(model_label(row, rows) for rows in groups.values() for row in reversed(rows)))
    stages = sorted({name for rows in groups.values() for row in rows for name in stage_macs(row)}, key=stage_place)
    title = "Where the multiply-adds go"
    with look():
        figure = canvas(1.8 + 3.4 * len(groups), 1.5 + 0.42 * len(models))
        axes = figure.subplots(1, len(groups), squeeze=False, sharey=True).flatten()
        head(figure, title, "Share of each stage in the MACs of one query; the total stands at the end of the bar")
        for ax, (dataset, rows) in zip(axes, groups.items(), strict=True):
            _panel(ax, dataset, rows, models, stages)
        handles = [Patch(color=_colour(name), label=name) for name in stages]
        figure.legend(handles=handles, loc="outside lower left", ncols=len(stages), frameon=False, fontsize=8.5)
        caption = "Shares of exact MACs; training-only branches do not run. The table below has the numbers."
        alt = f"Stacked bars of MAC shares by stage for {', '.join(models)} on {', '.join(groups)}."
        return finish(figure, "stages", title, alt, caption)


def _colour(stage: str) -> tuple[float, float, float]:
    return PALETTE[STAGES.index(stage)] if stage in STAGES else _OTHER


def _panel(ax: Axes, dataset: str, rows: list[Row], models: list[str], stages: list[str]) -> None:
    ax.set_title(f"{dataset} sizes")
    ax.set_yticks(range(len(models)), models)
    ax.tick_params(axis="y", labelcolor=INK)
    for row in rows:
        _bar(ax, models.index(model_label(row, rows)), row, stages)
    ax.set_ylim(-0.55, len(models) - 0.45)
    ax.set_xlim(0, 124)
    ax.set_xticks([0, 25, 50, 75, 100])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
    ax.grid(visible=False, axis="y")
    sns.despine(ax=ax, left=True, bottom=True)


def _bar(ax: Axes, at: int, row: Row, stages: list[str]) -> None:
    parts = stage_macs(row)
    total = number(row, "compute.macs") or sum(parts.values())
    left = 0.0
    for name in stages:
        share = 100 * parts.get(name, 0.0) / total
        ax.barh(at, share, left=left, height=0.66, color=_colour(name), edgecolor="white", linewidth=0.8)
        if share >= _WRITTEN_FROM:
            ax.text(left + share / 2, at, f"{share:.0f}", ha="center", va="center", fontsize=8, color=_ink(name))
        left += share
    ax.text(left + 2, at, si(total), va="center", fontsize=9, color=INK)


def _ink(stage: str) -> str:
    red, green, blue = _colour(stage)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK

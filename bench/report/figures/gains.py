"""What each way of training EMTM gains over the student alone: means and intervals, paired by seed."""

from __future__ import annotations

from collections.abc import Sequence

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.report.content.study import Study, Variant
from bench.report.figures.gains_plot import gains_plot
from bench.report.figures.style import FAINT, INK, MUTED, PALETTE, Figure, brief, canvas, finish, head, look
from bench.report.quantity import plural, plus_minus
from emtm.metrics.metric import HEADLINE, SHORT_LIST, Metric
from emtm.metrics.paired import MeanInterval

_SIGN_COLOUR = {1: PALETTE[0], 0: MUTED, -1: PALETTE[3]}
_ROW_IN = 0.46


def gain_figures(study: Study) -> list[Figure]:
    """A forest plot of the variants, best first; nothing where none has a gain."""
    rows = [row for row in study.rows if row.kind == "variant" and row.measures[HEADLINE].gain is not None]
    if not rows or study.alone is None:
        return []
    rows.sort(key=lambda row: _gain(row, HEADLINE).mean)
    title = f"What distillation is worth, {study.title}"
    with look():
        figure = canvas(10.4, 1.5 + _ROW_IN * len(rows))
        head(figure, title, _subtitle(study))
        axes = figure.subplots(1, len(SHORT_LIST), sharey=True)
        for ax, metric in zip(axes, SHORT_LIST, strict=True):
            _panel(ax, metric, rows, study.alone)
        _name_rows(axes[0], rows)
        _write_gains(axes, rows)
        plot = gains_plot(rows, study.alone, _subtitle(study))
        return [finish(figure, "study-gains", title, _alt(rows), _caption(rows), plot)]


def _subtitle(study: Study) -> str:
    seeds = {len(row.seeds) for row in study.rows}
    count = plural(seeds.pop(), "seed") if len(seeds) == 1 else f"{min(seeds)} to {max(seeds)} seeds"
    return f"Gain over the student alone in percentage points, {brief(study.split)} split, paired by seed, {count}"


def _gain(row: Variant, metric: Metric) -> MeanInterval:
    gain = row.measures[metric].gain
    assert gain is not None
    return gain


def _written(gain: MeanInterval) -> str:
    return plus_minus(gain.mean, gain.half_width, "+")


def _panel(ax: Axes, metric: Metric, rows: Sequence[Variant], alone: Variant) -> None:
    reference = alone.measures[metric]
    ax.set_title(f"{metric.title}, student alone {reference.estimate.mean:.1f} %")
    ax.axvline(0, color=INK, linewidth=1.1, zorder=1.5)
    for at, row in enumerate(rows):
        _draw(ax, at, _gain(row, metric))
        pairs = row.measures[metric].values
        each = [value - reference.values[seed] for seed, value in pairs.items() if seed in reference.values]
        if len(each) > 1:
            ax.plot(each, [at - 0.24] * len(each), "|", color=FAINT, markersize=5, markeredgewidth=1.1, zorder=2)
    ax.set_ylim(-0.65, len(rows) - 0.4)
    ax.margins(x=0.08)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: "0" if abs(value) < 1e-9 else f"{value:+g}"))
    ax.grid(visible=False, axis="y")
    sns.despine(ax=ax, left=True, bottom=True)


def _draw(ax: Axes, at: int, gain: MeanInterval) -> None:
    colour = _SIGN_COLOUR[gain.sign]
    ax.plot([gain.low, gain.high], [at, at], color=colour, linewidth=2.2, solid_capstyle="butt", zorder=3)
    ax.plot(
        *(gain.mean, at, "o"),
        markersize=7.5,
        markerfacecolor=colour if gain.sign else "white",
        markeredgecolor=colour,
        markeredgewidth=1.6,
        zorder=4,
    )


def _name_rows(ax: Axes, rows: Sequence[Variant]) -> None:
    """The name above what it is, both flush right at the axis."""
    ax.set_yticks(range(len(rows)), [f"{brief(row.name)}\n{brief(row.what)}" for row in rows])
    ax.tick_params(axis="y", pad=10, labelsize=9, labelcolor="none")
    for at, row in enumerate(rows):
        for text, ink, weight, lift in ((row.name, INK, "bold", 1.5), (row.what, MUTED, "normal", -1.5)):
            ax.annotate(
                brief(text),
                (0, at),
                xycoords=("axes fraction", "data"),
                xytext=(-10, lift),
                textcoords="offset points",
                ha="right",
                va="bottom" if lift > 0 else "top",
                fontsize=9 if lift > 0 else 8,
                fontweight=weight,
                color=ink,
                annotation_clip=False,
            )


def _write_gains(axes: Sequence[Axes], rows: Sequence[Variant]) -> None:
    """The numbers, in a column beyond the longest interval."""
    for ax, metric in zip(axes, SHORT_LIST, strict=True):
        low, high = ax.get_xlim()
        ax.set_xticks([tick for tick in MaxNLocator(6).tick_values(low, high) if low <= tick <= ax.dataLim.x1])
        ax.set_xlim(low, high + 0.32 * (high - low))
        for at, row in enumerate(rows):
            gain = _gain(row, metric)
            ax.annotate(
                _written(gain),
                (1, at),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="center",
                fontsize=9,
                color=INK if gain.sign else MUTED,
            )


def _alt(rows: Sequence[Variant]) -> str:
    gains = ", ".join(f"{row.name} {_written(_gain(row, HEADLINE))}" for row in reversed(rows))
    return f"Gain in {HEADLINE.title} over the student alone, in percentage points: {gains}."


def _caption(rows: Sequence[Variant]) -> str:
    lines = (
        "Dot and line: mean over seeds and its 95 % interval. Grey ticks below: single seeds. Blue: a gain; "
        "vermilion: a loss; hollow: the interval holds zero, so that no difference is shown."
    )
    one = any(_gain(row, HEADLINE).half_width is None for row in rows)
    return f"{lines} A hollow dot without a line is one seed and may be chance." if one else lines

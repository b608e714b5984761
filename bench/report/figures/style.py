"""How every figure looks, and how it becomes bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine

from bench.report.figures.plot import Plot
from bench.safe import short

INK, MUTED, FAINT = "#1f2933", "#5f6c7b", "#c3cad2"

PALETTE: tuple[tuple[float, float, float], ...] = tuple(sns.color_palette("colorblind"))
ROLE_COLOUR = {"student": PALETTE[3], "teacher": PALETTE[0], "baseline": PALETTE[2]}
ROLE_MARKER = {"student": "o", "teacher": "^", "baseline": "s"}

_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "grid.color": "#e7ebef",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    # Names come from files: a dollar in one is a dollar, not the beginning of a formula.
    "text.parse_math": False,
    # Without a fixed salt the ids inside an SVG differ from one run to the next.
    "svg.hashsalt": "emtm-bench",
    "svg.fonttype": "path",
}

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Figure:
    """A finished figure: file stem, heading, a description for those who cannot see it, a caption."""

    name: str
    title: str
    alt: str
    caption: str
    svg: str
    png: bytes
    pdf: bytes
    plot: Plot | None = None
    """The same for the page; None where there is no page."""


@contextmanager
def look() -> Iterator[None]:
    """The suite's style, for figures made inside; nothing global stays changed."""
    with sns.axes_style("whitegrid"), mpl.rc_context(_RC):
        yield


def canvas(width_in: float, height_in: float) -> Canvas:
    """An empty figure on the Agg backend, whatever the user's default backend is."""
    figure = Canvas(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def head(figure: Canvas, title: str, subtitle: str) -> None:
    """A bold title and a muted line below it, flush left, with the panels kept clear of both."""
    inch = 1 / figure.get_figheight()
    figure.text(0.012, 1 - 0.06 * inch, short(title), va="top", fontsize=13, fontweight="bold")
    figure.text(0.012, 1 - 0.34 * inch, short(subtitle), va="top", fontsize=9.5, color=MUTED)
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0, 0, 1, 1 - 0.62 * inch), h_pad=0.06, hspace=0.05)


def brief(name: str) -> str:
    """A name as a figure has room for it, whatever its length."""
    return short(name, _LONGEST_NAME)


def finish(figure: Canvas, name: str, title: str, alt: str, caption: str, plot: Plot | None = None) -> Figure:
    """Render to SVG, PNG and PDF, without dates or versions, so that equal runs give equal bytes."""
    return Figure(
        name=name,
        title=title,
        alt=alt,
        caption=caption,
        svg=_bytes(figure, "svg", {"Date": None, "Creator": None}).decode(),
        png=_bytes(figure, "png", {"Software": None}, dpi=160),
        pdf=_bytes(figure, "pdf", {"CreationDate": None, "Creator": None, "Producer": None}),
        plot=plot,
    )


def _bytes(figure: Canvas, kind: str, metadata: dict[str, Any], **options: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, metadata=metadata, bbox_inches="tight", pad_inches=0.12, **options)
    return buffer.getvalue()

"""What a figure shows, for the page to draw so that pointer and keyboard read it: no colour, no pixel, no markup."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from matplotlib.ticker import MaxNLocator

from bench.report.content.pareto import Interval
from bench.report.content.subject import Subject

Shape = Literal["circle", "triangle", "square", "cross", "line", "block"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A value in both directions, each with its interval."""

    x: Interval
    y: Interval
    shape: Shape = "circle"
    tone: str
    """Of what it stands for: a role, a sign, or `series-3`."""
    hollow: bool = False
    ringed: bool = False
    name: str = ""
    """Written beside it."""
    told: str
    """When it is read."""
    subject: Subject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A part of a bar, from left to right around a row."""

    left: float
    right: float
    row: float
    tone: str
    text: str = ""
    """Written in it where there is room."""
    told: str
    subject: Subject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A part of the area between the axes."""

    left: float
    right: float
    low: float
    high: float
    tone: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    tone: str
    dashed: bool = False
    name: str = ""
    """Written at its end."""
    subject: Subject | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the whole panel at a value of the vertical axis, or of the horizontal one."""

    at: float
    text: str = ""
    upright: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis with its ends and the texts at its ticks."""

    title: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False

    def share(self, value: float) -> float:
        """Where a value lies between the ends, 0 to 1 inside."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One set of axes."""

    title: str
    x: Axis
    y: Axis
    tiles: tuple[Tile, ...] = ()
    """Below all else."""
    rules: tuple[Rule, ...] = ()
    paths: tuple[Path, ...] = ()
    blocks: tuple[Block, ...] = ()
    dots: tuple[Dot, ...] = ()
    notes: tuple[tuple[float, float, str], ...] = ()
    """Texts that begin at a point."""


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the legend."""

    shape: Shape
    tone: str
    text: str
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """Panels beside each other, and their legend."""

    subtitle: str
    panels: tuple[Panel, ...]
    keys: tuple[Key, ...] = ()


_LOG_FROM = 4
"""Values that span more than this factor stand on a logarithmic axis."""


def axis(title: str, values: Iterable[float], show: Callable[[float], str], room: float = 0.22) -> Axis:
    """From zero, or logarithmic where the values span much; `room` beyond the highest is left for names."""
    found = list(values)
    low, high = min(found), max(found)
    if high > _LOG_FROM * low > 0:
        ends = low / (high / low) ** 0.1, high * (high / low) ** room
        return Axis(title, *ends, tuple((tick, show(tick)) for tick in _decades(*ends)), log=True)
    top = high * (1 + room) or 1.0
    return Axis(title, 0.0, top, tuple((tick, show(tick)) for tick in even_ticks(0.0, top)))


def even_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers between the ends."""
    return [
        float(tick) for tick in MaxNLocator(count, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high
    ]


def _decades(low: float, high: float) -> list[float]:
    steps = (1.0, 2.0, 5.0) if high < 20 * low else (1.0, 3.0) if high < 200 * low else (1.0,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]

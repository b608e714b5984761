"""What an audit found, as it stands in its file: a value that is not there has its reason, as in a run file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.audit.fitted import Fitted
from bench.missing import ABSENT, Block, Missing
from bench.published.efficiency import Counter, Quantity
from emtm.metrics.published import Reading

FORMAT = "emtm-audit/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Software(Block):
    """Versions that a count by tracing depends on."""

    torch: str
    fvcore: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs(Block):
    """Sizes of one video and one query."""

    clips: int
    words: int
    chars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis(Block):
    """How the printed figures may have come about."""

    counter: Counter
    inputs: Inputs
    configured_clips: int
    settings: tuple[str, ...]
    waste: str
    """What the published pass runs and its prediction does not need."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureAudit(Block):
    """One printed number, and the number that the hypothesis gives. SI units."""

    quantity: Quantity
    called: str
    printed: str
    """As printed, with its unit."""
    value: float
    reproduced: float | Missing
    off_pct: float | Missing
    """Of the reproduced number from the printed one."""
    same_digits: bool | Missing
    """Would the reproduced number have been printed so?"""


Why = Literal["macs called FLOPs", "unseen by the counter", "dropped by the trace", "short video", "waste", "training"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause(Block):
    """One reason why a printed figure is not the cost of inference."""

    why: Why
    share_pct: float | Missing
    """Of the exact count of the same pass."""
    what: str
    """Operators, branches, sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts(Block):
    """Multiply-adds from the printed figure to what a prediction needs."""

    same_pass: int | Missing
    """Everything that the published pass runs, counted exactly, at the inputs of the hypothesis."""
    needed: int | Missing
    """What its prediction needs, at the same inputs."""
    inference: int
    """What a prediction needs, at the stated inputs."""
    stated: Inputs
    ratio: float
    """`inference` to the printed figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Block):
    """One model on one dataset in one table."""

    paper: str
    read: Reading
    model: str
    """As registered here."""
    label: str
    """As printed."""
    dataset: str
    figures: tuple[FigureAudit, ...]
    hypothesis: Hypothesis | Missing
    counts: Counts | Missing
    causes: tuple[Cause, ...]
    printed_rank: int | Missing
    """By the printed cost, among the rows of one table and dataset; 1 is the cheapest."""
    rank: int | Missing
    """By `counts.inference`, among the same rows."""

    def figure(self, quantity: Quantity) -> FigureAudit | None:
        """The first figure of a kind."""
        return next((figure for figure in self.figures if figure.quantity == quantity), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread(Block):
    """What a table has and nobody here has read."""

    paper: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit(Block):
    """All rows of all packaged tables."""

    format: str
    software: Software
    rows: tuple[Row, ...]
    unread: tuple[Unread, ...]
    fit: tuple[Fitted, ...] | Missing = ABSENT
    """Clips, words and modes that give the printed figures, where they were searched for."""

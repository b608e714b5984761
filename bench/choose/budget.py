"""Limits, and whether a cost keeps to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from bench.missing import Missing
from bench.record import CaseRecord
from bench.report.content import query_cost as cost
from bench.report.content.query_cost import Cost
from bench.report.quantity import si


class Fit(Enum):
    """Does a cost keep to a limit? In the order of how good the news is."""

    SURE = "fits"
    MAYBE = "may fit"
    UNKNOWN = "not known"
    NO = "does not fit"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of cost: how it is read from a case and shown."""

    key: str
    noun: str
    """In a sentence."""
    read: Callable[[Sequence[CaseRecord], float], Cost | Missing]
    show: Callable[[float], str]

    @property
    def title(self) -> str:
        """At the head of a column."""
        return self.noun[0].upper() + self.noun[1:]


KINDS = (
    Kind("latency_s", "latency", cost.latency_s, lambda value: si(value, "s")),
    Kind("memory_bytes", "peak memory", lambda cases, _: cost.memory_bytes(cases), lambda value: si(value, "B")),
    Kind("macs", "MACs", cost.macs, si),
    Kind("params", "parameters", lambda cases, _: cost.params(cases), si),
)


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that one kind of cost may be."""

    kind: Kind
    most: float

    def fit(self, found: Cost | Missing) -> Fit:
        """Surely within the limit, surely above it, or neither."""
        if isinstance(found, Missing):
            return Fit.UNKNOWN
        if found.high <= self.most:
            return Fit.SURE
        return Fit.NO if found.low > self.most else Fit.MAYBE


def worst(fits: Sequence[Fit]) -> Fit:
    """Of several limits; without any, everything fits."""
    order = list(Fit)
    return max(fits, key=order.index, default=Fit.SURE)

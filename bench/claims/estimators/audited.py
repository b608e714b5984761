"""What an audit says of printed costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.audit.record import Row
from bench.claims.estimate import Estimate, Part, exact
from bench.claims.estimators.estimator import Estimator
from bench.claims.evidence import Evidence, Read
from bench.missing import Missing
from bench.published.efficiency import Quantity


@dataclass(frozen=True, kw_only=True)
class _Audited(Estimator):
    """A part for each of `labels`, as printed."""

    labels: tuple[str, ...]

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """Of the first audit that has the label's cost."""
        return tuple(Part(label, self._found(evidence, label)) for label in self.labels)

    def _found(self, evidence: Evidence, label: str) -> Estimate | Missing:
        for name, row in _rows(evidence):
            if row.label == label and not isinstance(row.counts, Missing):
                value = self.value(row)
                place = Read(name, f"{row.label} on {row.dataset}")
                return value if isinstance(value, Missing) else exact(value, self.unit, place)
        return Missing(f"no audit has {label}")

    @property
    def unit(self) -> str:
        """Of the values."""
        raise NotImplementedError

    def value(self, row: Row) -> float | Missing:
        """What is asked of a row."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class AuditedRatio(_Audited):
    """Exact multiply-adds of inference over the printed figure."""

    @property
    def unit(self) -> str:
        """A ratio."""
        return "x"

    def value(self, row: Row) -> float | Missing:
        """1 where the printed figure is the cost of inference."""
        return row.counts if isinstance(row.counts, Missing) else row.counts.ratio


@dataclass(frozen=True, kw_only=True)
class AuditedOff(_Audited):
    """How far the reproduced figure is from the printed one, either way."""

    quantity: Quantity

    @property
    def unit(self) -> str:
        """Of the printed figure."""
        return "%"

    def value(self, row: Row) -> float | Missing:
        """0 where it is reproduced to the unit."""
        figure = row.figure(self.quantity)
        if figure is None:
            return Missing(f"{row.label} has no printed {self.quantity}")
        return figure.off_pct if isinstance(figure.off_pct, Missing) else abs(figure.off_pct)


def _rows(evidence: Evidence) -> Iterator[tuple[str, Row]]:
    return ((name, row) for name, audit in evidence.audits for row in audit.rows)

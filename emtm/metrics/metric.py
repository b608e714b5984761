"""The metrics, each named once: how files, tables and figures call it, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

THRESHOLDS = (0.3, 0.5, 0.7)
"""IoUs from which a moment counts as found."""


class Figures(Protocol[T_co]):
    """Whatever has one value a metric: accuracies, or their intervals."""

    @property
    def r1(self) -> Mapping[str, T_co]:
        """By IoU threshold; those that are known."""

    @property
    def miou(self) -> T_co:
        """Of the mean IoU."""


@dataclass(frozen=True, slots=True)
class Metric:
    """R1 at an IoU threshold, or the mean IoU; in percent."""

    key: str
    """In the summary of a study."""
    title: str
    """In tables and figures."""
    threshold: str | None
    """As files have it; None for the mean IoU."""

    def of(self, figures: Figures[T]) -> T | None:
        """Its value; None where the figures lack its threshold."""
        return figures.miou if self.threshold is None else figures.r1.get(self.threshold)


METRICS = (*(Metric(f"r1_{m}", f"R1@{m}", str(m)) for m in THRESHOLDS), Metric("miou", "mIoU", None))
"""In the order of tables."""
HEADLINE = next(metric for metric in METRICS if metric.threshold == "0.5")
"""The one that models are ordered by, and figures show where there is room for one."""

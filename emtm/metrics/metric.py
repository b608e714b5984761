"""The metrics, each named once: how files, tables and figures call it, and how it is read.

A threshold more in `THRESHOLDS` is a metric more everywhere: scored, with floors and intervals, summarised over seeds,
written to files, shown in tables and figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

THRESHOLDS = (0.3, 0.5, 0.7)
"""IoUs from which a moment counts as found."""
PUBLISHED_THRESHOLDS = (0.3, 0.5, 0.7)
"""Those of the published evaluations, whatever is scored here."""


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
    """Recall at an IoU threshold, or the mean IoU; in percent."""

    block: Literal["r1", "r5", "miou"]
    """Where files have it: recalls of the first and of any of five moments by threshold, and the mean."""
    threshold: float | None = None
    """None for the mean IoU."""

    @property
    def key(self) -> str:
        """In flat files: `r1_0.5`, `miou`."""
        return self.block if self.threshold is None else f"{self.block}_{self.threshold}"

    @property
    def title(self) -> str:
        """In tables and figures: `R1@0.5`, `mIoU`."""
        return "mIoU" if self.threshold is None else f"{self.block.upper()}@{self.threshold}"

    @property
    def column(self) -> str:
        """In flat tables of other programs: `r1_iou05`, `miou`."""
        return self.block if self.threshold is None else f"{self.block}_iou{str(self.threshold).replace('.', '')}"

    def of(self, figures: Figures[T]) -> T | None:
        """Value of a metric of the first moment; None where the figures lack its threshold."""
        return figures.miou if self.threshold is None else self.at(figures.r1)

    def at(self, by_threshold: Mapping[str, T]) -> T | None:
        """Value of a recall; None where its threshold is not there."""
        return by_threshold.get(str(self.threshold))

    def read(self, scores: Mapping[str, Any]) -> float | None:
        """Value in the JSON of scores; None where it is not there."""
        found = scores.get(self.block)
        if self.threshold is not None:
            found = None if found is None else self.at(found)
        return None if found is None else float(found)


R1 = tuple(Metric("r1", threshold) for threshold in THRESHOLDS)
MIOU = Metric("miou")
METRICS = (*R1, MIOU)
"""Of the first moment, in the order of tables."""
ALL = (*R1, *(Metric("r5", threshold) for threshold in THRESHOLDS), MIOU)
"""With those of the first five moments, which floors and ceilings do not have."""
HEADLINE_IOU = 0.5
HEADLINE = Metric("r1", HEADLINE_IOU)
"""What models are ordered by."""
SHORT_LIST = (HEADLINE, MIOU)
"""Where there is no room for all."""
HEADLINE_OF_FIVE = Metric("r5", HEADLINE_IOU)


def written(figures: Figures[float]) -> dict[str, Any]:
    """The metrics alone, in the JSON form of scores."""
    return {"r1": dict(figures.r1), "miou": figures.miou}

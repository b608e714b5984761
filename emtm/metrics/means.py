"""R1@m and mIoU of some answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emtm.metrics.conventions import SOUND, Conventions
from emtm.metrics.iou import Array
from emtm.metrics.metric import THRESHOLDS

Percent = dict[str, float]


@dataclass(frozen=True, slots=True)
class Means:
    """R1@m and mIoU over some queries, in percent."""

    queries: int
    r1: Percent
    miou: float

    @classmethod
    def of(cls, iou: Array, conventions: Conventions = SOUND) -> Means:
        """Means of the IoUs `[Q]` of the answers; `conventions` decide about an IoU that equals a threshold."""
        mean = hits(iou, conventions).mean(0)
        return cls(queries=len(iou), r1=percent(mean[:-1]), miou=float(mean[-1]))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON object."""
        return {"queries": self.queries, "r1": dict(self.r1), "miou": self.miou}


def hits(iou: Array, conventions: Conventions = SOUND) -> Array:
    """Hits at each threshold, then IoU, of answers `[Q]`; in percent, `[Q, M + 1]`."""
    marks, slack = np.array(THRESHOLDS), conventions.slack
    reached = iou[:, None] > marks + slack if conventions.ties == "strict" else iou[:, None] >= marks - slack
    return 100 * np.column_stack([reached, iou])


def percent(values: Array) -> Percent:
    """Values at the thresholds by the threshold's name."""
    return {str(m): float(value) for m, value in zip(THRESHOLDS, values, strict=True)}

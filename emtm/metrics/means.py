"""R1@m and mIoU of some answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emtm.metrics.iou import Array
from emtm.metrics.metric import THRESHOLDS

Percent = dict[str, float]

TIE_SLACK = 1e-6
"""An IoU this near a threshold equals it: on the clip grid IoUs of exactly 1/2 are common, and float32
rounding must not decide about them."""


@dataclass(frozen=True, slots=True)
class Means:
    """R1@m and mIoU over some queries, in percent."""

    queries: int
    r1: Percent
    miou: float

    @classmethod
    def of(cls, iou: Array, *, strict: bool = False) -> Means:
        """Means of the IoUs `[Q]` of the answers; an IoU equal to a threshold counts unless `strict`."""
        mean = hits(iou, strict=strict).mean(0)
        return cls(queries=len(iou), r1=percent(mean[:-1]), miou=float(mean[-1]))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON object."""
        return {"queries": self.queries, "r1": dict(self.r1), "miou": self.miou}


def hits(iou: Array, *, strict: bool = False) -> Array:
    """Hits at each threshold, then IoU, of answers `[Q]`; in percent, `[Q, M + 1]`."""
    marks = np.array(THRESHOLDS)
    reached = iou[:, None] > marks + TIE_SLACK if strict else iou[:, None] >= marks - TIE_SLACK
    return 100 * np.column_stack([reached, iou])


def percent(values: Array) -> Percent:
    """Values at the thresholds by the threshold's name."""
    return {str(m): float(value) for m, value in zip(THRESHOLDS, values, strict=True)}

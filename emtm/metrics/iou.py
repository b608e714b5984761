"""How much two moments overlap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def temporal_iou(a: npt.ArrayLike, b: npt.ArrayLike, union_s: float = 0.0) -> Array:
    """Intersection over union of segments `[..., 2]` (start and end in seconds), broadcast to `[...]`.

    The closed form of the field, `max(0, (min e - max s) / (max e - min s))`: the hull that it divides
    by is the union wherever the segments touch. Segments without overlap, of no length or inverted
    have IoU 0. `union_s` is added to the hull, a published quirk (`emtm.metrics.conventions`).
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    overlap = np.minimum(first[..., 1], second[..., 1]) - np.maximum(first[..., 0], second[..., 0])
    hull = np.maximum(first[..., 1], second[..., 1]) - np.minimum(first[..., 0], second[..., 0]) + union_s
    iou = np.zeros(np.shape(overlap))
    np.divide(overlap, hull, out=iou, where=(overlap > 0) & (hull > 0))
    return iou

"""The best that a clip grid allows: the score of the true moment rounded to whole clips.

A model that answers in clips cannot answer the annotated seconds. On TACoS, 256 clips a video leave
3 % of the queries below an IoU of 0.7 whatever is predicted. Scoring by the index protocol hides this,
since it rounds the truth in the same way (its own ceiling is 100).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emtm.data.labels import index_to_time, time_to_index
from emtm.data.records import Query
from emtm.metrics.conventions import SOUND, Conventions
from emtm.metrics.means import Means
from emtm.metrics.truth import annotated_windows, best_iou

GRIDS = (16, 32, 64, 100, 128, 256)
"""Clip counts of the published models."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a perfect model on a grid of clips would score against the annotated seconds."""

    clips: int
    means: Means
    lowest_iou: float
    """Of the query that the grid serves worst, 0 to 1."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON object; percent, but for `lowest_iou`."""
        return {"clips": self.clips, **self.means.to_json(), "lowest_iou": self.lowest_iou}


def ceiling(
    queries: Sequence[Query],
    clips: int,
    num_clips: Mapping[str, int] | None = None,
    conventions: Conventions = SOUND,
) -> Ceiling:
    """Oracle score of the grid of `clips` a video, or of `num_clips[video_id]` where that is given.

    Where a sentence describes several moments, the oracle answers the one that the grid serves best.
    """
    windows = annotated_windows(queries)
    duration = np.array([[q.duration_s] for q in queries])
    counts = np.array([[clips if num_clips is None else num_clips[q.video_id]] for q in queries])
    indices = time_to_index(windows[..., 0], windows[..., 1], counts, duration)
    answers = np.stack(index_to_time(*indices, counts, duration), -1)
    iou = best_iou(answers.swapaxes(0, 1), windows, conventions.union_s).max(0)
    return Ceiling(clips, Means.of(iou, conventions), float(iou.min()))

"""A video file to feature rows, in bounded memory.

The suite takes a video's rows to cover its length evenly. So a video is cut into as many equal rows as come
nearest to the wished length, and each row is the mean over frames at even distances within it. No motion is
seen: each frame is described by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from emtm.data.records import FloatArray
from emtm.data.video.backbone import NAME, PREPROCESSING, WEIGHTS_SHA256, Backbone
from emtm.data.video.decoding import Picture, Timeline, pictures, timeline
from emtm.data.video.network import WIDTH
from emtm.errors import UserError

FORMAT = "emtm-features/1"
BATCH = 16
"""Frames that are described at once, and as many are held in memory."""

_MOST_FPS = 60.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames are looked at, and how many make a row.

    Raises:
        UserError: a row would not hold a whole number of frames, or there is no sense in the numbers.
    """

    fps: float = 2.0
    """Frames looked at in a second of video."""
    clip_s: float = 1.0
    """Seconds that a row stands for, before they are fitted to the length of a video."""

    def __post_init__(self) -> None:
        if not (0 < self.fps <= _MOST_FPS and 0 < self.clip_s < math.inf):
            raise UserError(
                f"frames a second lie between 0 and {_MOST_FPS:g} and seconds a row above 0, not {self.fps:g} and "
                f"{self.clip_s:g}"
            )
        frames = self.fps * self.clip_s
        if frames < 0.5 or abs(frames - round(frames)) > 1e-6:
            raise UserError(
                f"a row of {self.clip_s:g} s at {self.fps:g} frames a second has {frames:g} frames, which is not a "
                "whole number"
            )

    @property
    def frames_per_row(self) -> int:
        """Frames that a row is the mean of."""
        return round(self.fps * self.clip_s)

    def rows(self, duration_s: float) -> int:
        """Rows of a video, at least one; each stands for `duration_s / rows` seconds."""
        return max(1, round(duration_s / self.clip_s))

    def times_s(self, duration_s: float) -> npt.NDArray[np.float64]:
        """Times `[rows * frames_per_row]` of the frames looked at: the middles of equal parts of the video."""
        count = self.rows(duration_s) * self.frames_per_row
        return (np.arange(count, dtype=np.float64) + 0.5) * np.float64(duration_s / count)

    def origin(self) -> dict[str, Any]:
        """All that the values of a row depend on besides the video; JSON."""
        return {
            "format": FORMAT,
            "backbone": NAME,
            "weights_sha256": WEIGHTS_SHA256,
            "preprocessing": PREPROCESSING,
            "dim": WIDTH,
            "fps": self.fps,
            "clip_s": self.clip_s,
            "frames_per_row": self.frames_per_row,
            "pooling": "mean of the frames of a row",
        }

    @classmethod
    def of(cls, origin: dict[str, Any]) -> Sampling:
        """The sampling behind an `origin`.

        Raises:
            UserError: the features came from something else than this version's `extract`.
        """
        try:
            sampling = cls(origin["fps"], origin["clip_s"])
        except (KeyError, TypeError):
            sampling = cls()
        if sampling.origin() != origin:
            made = origin.get("backbone") if origin.get("backbone") != NAME else f"{NAME} in another version"
            raise UserError(f"the features were made with {made}, which is not the one here")
        return sampling


@dataclass(frozen=True, slots=True)
class VideoFeatures:
    """Features of one video, and its length."""

    rows: FloatArray
    """`[N, 1280]`; row i stands for the i-th of N equal parts of the video."""
    duration_s: float
    frames: int
    """Frames that were looked at."""


def extract(
    path: Path,
    sampling: Sampling,
    backbone: Backbone,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> VideoFeatures:
    """Features of a video; `progress` hears the frames done and their number.

    Raises:
        UserError: the file cannot be read as a video; see `emtm.data.video.decoding`.
    """
    known = timeline(path)
    total = len(sampling.times_s(known.duration_s))
    found: list[Tensor] = []
    done = 0
    for batch in picture_batches(path, sampling, known):
        found.append(backbone.features(batch))
        done += len(batch)
        progress(done, total)
    return VideoFeatures(pool_frames(torch.cat(found), sampling), known.duration_s, total)


def picture_batches(path: Path, sampling: Sampling, known: Timeline) -> Iterator[list[Picture]]:
    """The frames that are looked at, decoded by as many threads as torch uses, at most `BATCH` at a time."""
    times = sampling.times_s(known.duration_s)
    return _batched(pictures(path, times.tolist(), known.first_s, Backbone.size_px, torch.get_num_threads()))


def pool_frames(features: Tensor, sampling: Sampling) -> FloatArray:
    """Rows `[N, V]`: the mean of every `frames_per_row` of the frames' features `[N * frames_per_row, V]`."""
    rows: FloatArray = features.reshape(-1, sampling.frames_per_row, features.shape[1]).mean(1).numpy()
    return rows


def _batched(items: Iterable[Picture]) -> Iterator[list[Picture]]:
    remaining = iter(items)
    while batch := list(islice(remaining, BATCH)):
        yield batch

"""What is measured of more than a query: a training step, a split, a video from its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.missing import ABSENT, Block, Missing
from bench.record.counted import TrainingCompute
from bench.record.timed import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Training(Block):
    """One training step of a whole batch."""

    step_s: float
    step_ci99_s: Interval | Missing = ABSENT
    samples_per_s: float
    n: int | Missing = ABSENT
    samples: tuple[float, ...] | Missing = ABSENT
    includes: tuple[str, ...] | Missing = ABSENT
    compute: TrainingCompute | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationCost(Block):
    """Seconds to ground a whole test split, extrapolated where only a part of it was run."""

    queries: int
    videos: int | Missing = ABSENT
    seconds: float
    queries_measured: int
    videos_measured: int | Missing = ABSENT
    seconds_measured: float
    num_threads: int | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone(Block):
    """The network that makes features of pictures."""

    name: str
    params: int
    macs_per_frame: int
    frames: int
    macs: int
    """For all frames of the video that are looked at."""
    frames_per_s_of_video: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PassStage(Block):
    """Median seconds of one stage of a pass from file to moments."""

    median: float
    median_ci99: Interval | Missing
    share_pct: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EndToEnd(Block):
    """Passes from a video file to the moments of one query."""

    unit: str = "s"
    clock: str | Missing = ABSENT
    warmup: int | Missing = ABSENT
    n: int
    stages: Mapping[str, PassStage]
    total: PassStage
    samples: Mapping[str, tuple[float, ...]]
    video_s_per_s: float
    features_s_per_video_minute: float
    codec: str | Missing = ABSENT
    bytes: int | Missing = ABSENT
    sha256: str | Missing = ABSENT

"""Passes from a video file to moments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.missing import Missing, of
from bench.record import CaseRecord, Video
from bench.report.content.cases import Named, for_cost, named

BEFORE = ("decode", "extract")
"""Stages that are over before the grounding model sees anything."""
BACKBONE = "extract"
"""The stage in which the backbone runs."""
STAGES = (*BEFORE, "encode", "ground")


@dataclass(frozen=True, slots=True)
class Passes:
    """The models that grounded a query in one video."""

    video: str
    """In words."""
    rows: tuple[Named, ...]


def passes(cases: Iterable[CaseRecord]) -> tuple[Passes, ...]:
    """All passes by video."""
    groups: dict[str, list[CaseRecord]] = {}
    for case in for_cost(cases, "end_to_end"):
        groups.setdefault(_described(case.workload.video), []).append(case)
    return tuple(Passes(video, named(found)) for video, found in groups.items())


def _described(video: Video | Missing) -> str:
    if isinstance(video, Missing):
        return "a video of unknown size"
    return f"{video.duration_s:.0f} s, {video.width:.0f} × {video.height:.0f}, {video.fps:.0f} frames a second"


def stage_median(case: CaseRecord, stage: str) -> float | Missing:
    """Median seconds of a stage."""
    stages = of(case.end_to_end, lambda block: block.stages)
    if isinstance(stages, Missing):
        return stages
    return stages[stage].median if stage in stages else Missing("the pass has no such stage")


def share_before(case: CaseRecord) -> float | Missing:
    """Part of the whole that is over before the grounding model sees anything, in percent of all stages."""
    return share_of(case, *BEFORE)


def share_of(case: CaseRecord, *stages: str) -> float | Missing:
    """Part of the whole that these stages take, in percent of all stages."""
    parts = {}
    for stage in STAGES:
        median = stage_median(case, stage)
        if isinstance(median, Missing):
            return median
        parts[stage] = median
    return 100 * sum(parts[stage] for stage in stages) / sum(parts.values())

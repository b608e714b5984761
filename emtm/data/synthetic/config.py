"""The embedded worlds: what each is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldConfig:
    """Everything that the generated videos and queries depend on.

    Noise levels are relative to an event code of unit length.
    """

    statistics: str = "charades"
    """Key of `presets.json`: whose durations and moments are imitated."""
    queries: Mapping[str, int]
    """Number of queries in each split."""
    clips: int = 64
    """Feature rows T of every video."""
    feature_dim: int = 1024
    latent_dim: int = 96
    verbs: int = 24
    objects: int = 36
    agents: int = 1

    moments_per_video: float = 2.0
    """Mean number of events that are asked about."""
    distractors: float = 3.0
    """Mean number of further events."""
    hard_negatives: float = 0.6
    """Probability that an event shares its verb or its object with another of the video."""
    repeats: float = 0.15
    """Probability that an event happens twice, so that its queries must say which."""
    composites: float = 0.0
    """Probability that a query asks for an event and the next: "A and then B"."""
    relations: float = 0.0
    """Probability that a query says when by another event: "A after B", "before B A"."""
    queries_per_moment: float = 1.35
    synonyms: float = 0.5
    """Probability of a synonym where there is one."""

    scene_noise: float = 0.7
    """Offset of a whole video."""
    clip_noise: float = 0.9
    """Noise of each clip, correlated over time."""
    clip_correlation: float = 0.7
    """Correlation of the clip noise of neighbouring clips."""
    event_noise: float = 0.5
    """Offset of one occurrence of an event."""
    binding: float = 0.5
    """Weight of the part of an event code that neither verb nor object explains alone."""
    invisible: float = 0.15
    """Probability that an event is partly hidden in a clip."""
    edge_softness: float = 0.6
    """Width of an event's onset and end, in clips."""
    boundary_noise: float = 0.06
    """Standard deviation of annotated boundaries, relative to the moment."""
    world_seed: int = 0
    """Seeds embeddings, affordances and word vectors."""
    seed: int = 0
    """Seeds the videos."""

    def as_dict(self) -> dict[str, Any]:
        """Plain nested dict, for hashing."""
        return asdict(self)


@cache
def statistics(name: str) -> Mapping[str, Any]:
    """Measured statistics of a real training split.

    `dur_q` are 21 duration quantiles in seconds; `H[i][j]` counts moments with start fraction in bin
    i and square root of the length fraction in bin j, of `B` bins each.
    """
    text = files(__package__).joinpath("presets.json").read_text(encoding="utf-8")
    content: dict[str, dict[str, Any]] = json.loads(text)
    return content[name]


WORLDS: Mapping[str, WorldConfig] = {
    "smoke": WorldConfig(
        queries={"train": 1600, "val": 300, "test": 400},
        clips=32,
        verbs=8,
        objects=10,
        distractors=4.0,
        hard_negatives=0.4,
        repeats=0.0,
        relations=0.6,
        synonyms=0.3,
        scene_noise=0.4,
        clip_noise=0.5,
        event_noise=0.3,
    ),
    "synth-charades": WorldConfig(queries={"train": 4000, "val": 800, "test": 1000}),
    "synth-anet": WorldConfig(
        statistics="activitynet",
        queries={"train": 4000, "val": 800, "test": 1000},
        clips=100,
        agents=5,
        moments_per_video=3.7,
        distractors=1.0,
        repeats=0.1,
        composites=0.25,
        queries_per_moment=1.0,
    ),
    # Real TACoS has 130 queries a video; a third of the moments triples the videos that scores rest on.
    "synth-tacos": WorldConfig(
        statistics="tacos",
        queries={"train": 4000, "val": 800, "test": 1000},
        clips=128,
        agents=2,
        moments_per_video=16.0,
        distractors=0.0,
        repeats=0.1,
        composites=0.2,
        queries_per_moment=1.6,
        scene_noise=0.4,
        event_noise=0.4,
    ),
}

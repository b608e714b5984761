"""What was measured: the model and what made it, what it was given, how it was run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.missing import ABSENT, Block, Missing

Role = Literal["student", "teacher", "baseline", "unknown"]
Scenario = Literal["single_stream", "train_step", "evaluation", "end_to_end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherRecord(Block):
    """One whose soft labels a model learned from."""

    name: str
    """Registered name of its model, or of the control in its place."""
    config_hash: str | Missing = ABSENT
    weights_sha256: str | Missing = ABSENT
    labels_sha256: str
    """Of the content of its soft labels."""
    seed: int | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance(Block):
    """What made a trained model."""

    preset: str
    settings: tuple[str, ...]
    """`key=value` of model and recipe that are not the preset's."""
    recipe: tuple[str, ...] | Missing = ABSENT
    """All of the recipe, in that form, whatever becomes of the preset."""
    annotated: str | Missing = ABSENT
    """Which queries had a moment, where not all had."""
    teachers: tuple[TeacherRecord, ...]
    """In the order of the aggregation unit's weights; none of a model that was trained alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Block):
    """What was measured: the model, its configuration, its weights."""

    name: str
    base: str
    """Registered name, which a variant shares with the model it varies."""
    role: Role
    config_hash: str | Missing
    recipe_hash: str | Missing = ABSENT
    weights_kind: Literal["trained", "random"]
    weights_sha256: str | Missing = ABSENT
    seed: int | Missing = ABSENT
    provenance: Provenance | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(Block):
    """The generated video of an end-to-end case."""

    width: int
    height: int
    fps: float
    duration_s: float
    bits_per_s: float | Missing = ABSENT
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload(Block):
    """What the model was given."""

    dataset: str
    """Whose sizes the input has."""
    synthetic: bool | Missing = ABSENT
    scenario: Scenario
    batch_size: int
    num_clips: int | Missing = ABSENT
    num_words: int | Missing = ABSENT
    num_chars: int | Missing = ABSENT
    queries_per_video: float | Missing = ABSENT
    includes: tuple[str, ...] | Missing = ABSENT
    excludes: tuple[str, ...] | Missing = ABSENT
    video: Video | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord(Block):
    """How the model was run."""

    device: str
    dtype: str
    backend: str
    mode: Literal["infer", "train"]
    threads: int | Missing = ABSENT
    cache: str | Missing = ABSENT
    span_deviation: float | Missing = ABSENT
    """Largest difference in span probability from the model itself, where something else was run."""

"""The record types every dataset is read into: seconds, strings, and nothing else."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

VIDEO_SUFFIXES = frozenset({
    ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4",
    ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".vob", ".webm", ".wmv",
})  # fmt: skip
"""Suffixes of files of video, in lower case."""
_ACTIVITYNET = "v_"


def video_name(name: str) -> str:
    """Id of a video without the suffix of its file, which some files of a dataset carry and others lack.

    Accented letters are one character each (NFC): a Mac writes them as two in names of files.
    """
    name = unicodedata.normalize("NFC", name)
    stem, dot, suffix = name.rpartition(".")
    return stem if stem and f"{dot}{suffix}".lower() in VIDEO_SUFFIXES else name


def video_key(name: str) -> str:
    """What all spellings of a video's id have in common: ActivityNet's ids also come without their `v_`."""
    return video_name(name).removeprefix(_ACTIVITYNET)


@dataclass(frozen=True, slots=True)
class Query:
    """One sentence and the moment it describes; times in seconds from the start of the video."""

    query_id: str
    video_id: str
    sentence: str
    duration_s: float
    start_s: float
    end_s: float
    kind: str = "plain"
    """Breakdown key: `plain`, `ordinal` or `composite` in the embedded dataset, `plain` elsewhere."""

    @property
    def windows(self) -> tuple[tuple[float, float], ...]:
        """All moments that the sentence describes, in seconds; nearly always the one."""
        return ((self.start_s, self.end_s),)


@dataclass(frozen=True, slots=True)
class WindowsQuery(Query):
    """A sentence that describes several moments, as in QVHighlights; `start_s` and `end_s` are the longest.

    Models that answer one span are trained on the longest. An answer is scored against the window that
    it overlaps most, the rule of the published evaluation of QVHighlights (Lei et al., NeurIPS 2021).
    """

    all_windows: tuple[tuple[float, float], ...] = ()

    @property
    def windows(self) -> tuple[tuple[float, float], ...]:
        """All moments that the sentence describes, in seconds and in the order of the file."""
        return self.all_windows


@dataclass(frozen=True, slots=True)
class PseudoQuery(Query):
    """A sentence without annotation; its moment is what teachers make of it."""

    weight: float = 1.0
    """In the losses that compare with a moment, where an annotated one has 1."""


def fingerprint(queries: Sequence[Query]) -> str:
    """Hash of sentences, times and ids, in order."""
    digest = hashlib.sha256()
    for query in queries:
        digest.update(repr(query).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


class FeatureStore(Protocol):
    """Feature rows of videos by id; `store[video_id]` is float32 `[num_rows, dim]`."""

    @property
    def dim(self) -> int:
        """Width of a feature row."""
        ...

    def __contains__(self, video_id: object) -> bool: ...

    def __getitem__(self, video_id: str) -> FloatArray: ...


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Pretrained word vectors: `vectors[i]` (float32, `[W]`) belongs to `words[i]`."""

    words: tuple[str, ...]
    vectors: FloatArray
    learned: bool = False
    """Whether there are none, and a model is to learn those of `words`; `vectors` is then `[N, 0]`."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Splits of queries with the features of their videos and the vectors of their words."""

    name: str
    synthetic: bool
    splits: Mapping[str, tuple[Query, ...]]
    features: FeatureStore
    word_vectors: WordVectors
    notes: tuple[str, ...] = field(default=())
    """What a table about this dataset must say: files, counts, policies applied."""
    official: Mapping[str, str] = field(default_factory=dict)
    """Splits that are a published test set by their content, and which version: what figures of papers compare with."""
    unlabelled: tuple[Query, ...] = ()
    """Queries to train on that have no moment: both times are NaN."""
    clip_s: str | None = None
    """Seconds that a feature row stands for, where somebody stated them; see `emtm.data.clocks.Stated`."""
    features_read: bool = False
    """Whether all features were read when the dataset was prepared, and have not changed since."""

    @property
    def all_queries(self) -> tuple[Query, ...]:
        """Of every split, and those without a moment."""
        return (*(query for split in self.splits.values() for query in split), *self.unlabelled)

    def asked(self, split: str) -> tuple[Query, ...]:
        """Queries whose soft labels belong to a split.

        Where training queries lack moments, `train` has those too, and the queries of `val`: on these, which no
        teacher was trained on, is found how far a teacher's word can be trusted.
        """
        more = (*self.unlabelled, *self.splits["val"]) if split == "train" and self.unlabelled else ()
        return (*self.splits[split], *more)

"""What is reached without grounding anything: the scores under which a result means nothing.

A query-only model reaches R1@0.5 near 38 % on Charades-STA, so an accuracy is read as its distance
from the best of these floors, never from zero. All are scored by the timestamp protocol, under the
conventions of the result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from emtm.data.records import Dataset, FloatArray, Query
from emtm.errors import UserError
from emtm.files import kept
from emtm.metrics.blind import durations, normalised, query_only, video_only
from emtm.metrics.conventions import SOUND, Conventions
from emtm.metrics.iou import Array, temporal_iou
from emtm.metrics.means import Means, hits
from emtm.metrics.metric import HEADLINE_IOU, THRESHOLDS, Metric, written
from emtm.metrics.truth import annotated_windows, best_iou, one_window_each

Floors = dict[str, dict[str, Any]]
Progress = Callable[[str], None]

_VERSION = 3
"""To be raised with every change of a figure, so that older cache files are not read."""
_GRID = 64
_DRAWS = 20


def floors(
    dataset: Dataset,
    split: str = "test",
    seed: int = 0,
    progress: Progress = lambda name: None,
    conventions: Conventions = SOUND,
) -> Floors:
    """Floors of a split by name, each `{r1: {"0.3": .., ..}, miou}` in percent.

    Those of `sightless_floors`, and `video_only` of `emtm.metrics.blind`. `progress` hears the name of
    each floor before it is computed.

    Raises:
        UserError: the dataset lacks training queries or the split.
    """
    train, test = _split(dataset, "train"), _split(dataset, split)
    found = sightless_floors(train, test, seed, progress, conventions)
    progress("video_only")
    return {**found, **_video_floor(dataset, train, test, seed, conventions)}


def sightless_floors(
    train: Sequence[Query],
    test: Sequence[Query],
    seed: int = 0,
    progress: Progress = lambda name: None,
    conventions: Conventions = SOUND,
) -> Floors:
    """The floors that need nothing but annotations.

    `fixed_best` and `fixed_best_miou` answer one normalised segment for every query (`segment`), chosen
    on train for the headline metric or mIoU; `drawn_from_train` answers the normalised moment of a random training
    query, in expectation over 20 draws; `query_only` is the model of `emtm.metrics.blind`.
    """
    truth = annotated_windows(test)
    answers, segments = _sightless_answers(train, test, seed, progress)
    return {
        name: {
            **_figures(moments, truth, conventions),
            **({"segment": segments[name].tolist()} if name in segments else {}),
        }
        for name, moments in answers.items()
    }


def floor_hits(dataset: Dataset, split: str = "test") -> dict[str, Array]:
    """What each floor scores on each query of a split, `[Q, M + 1]` as `hits` has it, by the floor's name.

    Their means are `floors`. Kept in the user's cache, as `cached_floors` are.
    """
    train, test = _split(dataset, "train"), _split(dataset, split)

    def compute() -> dict[str, list[list[float]]]:
        answers, _ = _sightless_answers(train, test, 0, lambda name: None)
        answers["video_only"] = video_only(one_window_each(train), test, dataset.features, 0)
        truth = annotated_windows(test)
        ious = {name: np.atleast_2d(best_iou(moments, truth)) for name, moments in answers.items()}
        return {name: np.mean([hits(one) for one in iou], 0).tolist() for name, iou in ious.items()}

    kind = _fingerprint(train, test, SOUND, _samples(dataset, train, test))
    found = kept(f"floors/hits-{kind}.json", compute)
    return {name: np.array(values) for name, values in found.items()}


def _sightless_answers(
    train: Sequence[Query], test: Sequence[Query], seed: int, progress: Progress
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Answers in seconds `[Q, 2]` by floor, of draws `[D, Q, 2]`; and the segments `[2]` of those that have one."""
    train = one_window_each(train)
    moments, seconds = normalised(train), durations(test)
    progress("fixed_best")
    segments = dict(zip(("fixed_best", "fixed_best_miou"), best_segments(moments), strict=True))
    answers = {name: segment * seconds for name, segment in segments.items()}
    progress("drawn_from_train")
    answers["drawn_from_train"] = np.random.default_rng(seed).choice(moments, (_DRAWS, len(test))) * seconds
    progress("query_only")
    answers["query_only"] = query_only(train, test, seed)
    return answers, segments


def best_floor(floors: Mapping[str, Mapping[str, Any]], metric: Metric) -> float:
    """Highest value of a metric among the floors, in percent; ValueError where none has it."""
    return max(value for floor in floors.values() if (value := metric.read(floor)) is not None)


def best_segments(moments: Array) -> tuple[Array, Array]:
    """Segments `[2]` in 64ths of the video with the most IoUs at the headline threshold and with the highest mean IoU.

    `moments` are normalised, `[Q, 2]`; among equals the earliest start, then the earliest end wins.
    """
    marks = np.arange(_GRID + 1) / _GRID
    segments, recalls, means = [], [], []
    for i in range(_GRID):
        row = np.stack([np.full(_GRID - i, marks[i]), marks[i + 1 :]], 1)
        iou = temporal_iou(row[:, None], moments)
        segments.append(row)
        recalls.append((iou >= HEADLINE_IOU).mean(1))
        means.append(iou.mean(1))
    grid = np.concatenate(segments)
    return grid[np.concatenate(recalls).argmax()], grid[np.concatenate(means).argmax()]


def cached_floors(
    dataset: Dataset, split: str = "test", progress: Progress = lambda name: None, conventions: Conventions = SOUND
) -> Floors:
    """`floors`, kept as JSON in the user's cache directory (or `$EMTM_CACHE`) by content of the data."""
    train, test = _split(dataset, "train"), _split(dataset, split)
    found = cached_sightless_floors(train, test, progress, conventions)
    samples = _samples(dataset, train, test)

    def compute() -> Floors:
        progress("video_only")
        return _video_floor(dataset, train, test, 0, conventions)

    name = f"floors/video-only-{_fingerprint(train, test, conventions, samples)}.json"
    seen: Floors = kept(name, compute, _sound)
    return {**found, **seen}


def cached_sightless_floors(
    train: Sequence[Query],
    test: Sequence[Query],
    progress: Progress = lambda name: None,
    conventions: Conventions = SOUND,
) -> Floors:
    """`sightless_floors`, kept likewise."""
    name = f"floors/sightless-{_fingerprint(train, test, conventions)}.json"
    return kept(name, lambda: sightless_floors(train, test, progress=progress, conventions=conventions), _sound)


def _samples(dataset: Dataset, train: Sequence[Query], test: Sequence[Query]) -> list[FloatArray]:
    """Features of the first and the last video, which name the store well enough."""
    return [dataset.features[query.video_id] for query in (train[0], test[-1])]


def _sound(floors: Floors) -> bool:
    """Are these percentages by name?"""
    figures = [figure for floor in floors.values() for figure in (*floor["r1"].values(), floor["miou"])]
    return bool(figures) and all(0 <= figure <= 100 for figure in figures)


def _fingerprint(
    train: Sequence[Query], test: Sequence[Query], conventions: Conventions, samples: Sequence[FloatArray] = ()
) -> str:
    """Hash of the version, the queries, how they are scored, and samples of features."""
    scored = (THRESHOLDS, conventions.ties, conventions.slack, conventions.union_s)
    digest = hashlib.sha256(f"{_VERSION} {scored} {len(train)}".encode())
    for query in (*train, *test):
        digest.update(repr(query).encode())
    for rows in samples:
        digest.update(np.ascontiguousarray(rows).tobytes())
    return digest.hexdigest()[:16]


def _video_floor(
    dataset: Dataset, train: Sequence[Query], test: Sequence[Query], seed: int, conventions: Conventions
) -> Floors:
    answers = video_only(one_window_each(train), test, dataset.features, seed)
    return {"video_only": _figures(answers, annotated_windows(test), conventions)}


def _split(dataset: Dataset, split: str) -> Sequence[Query]:
    queries = dataset.splits.get(split, ())
    if not queries:
        known = ", ".join(dataset.splits)
        raise UserError(f"{dataset.name} has no queries in split {split!r}, only in {known}")
    return queries


def _figures(moments: Array, truth: Array, conventions: Conventions = SOUND) -> dict[str, Any]:
    return written(Means.of(best_iou(moments, truth, conventions.union_s).ravel(), conventions))

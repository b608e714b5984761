"""Scoring of anybody's predictions: the annotated truth, what to compare with, and the one JSON of it all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emtm.data.annotations import read_annotations
from emtm.data.annotations.own_lines import read_own_lines
from emtm.data.benchmarks import BENCHMARKS, Benchmark, belongs_elsewhere
from emtm.data.datasets import dataset_names, open_dataset
from emtm.data.own import CUSTOM, own_files, own_title, read_own, split_of_file
from emtm.data.real import file_note, official_label
from emtm.data.records import Dataset, Query, video_key
from emtm.data.synthetic.config import WORLDS
from emtm.errors import UserError, unknown
from emtm.files import read_json
from emtm.metrics.ceiling import GRIDS, Ceiling, ceiling
from emtm.metrics.conventions import SOUND, Choice, Conventions
from emtm.metrics.floors import Floors, Progress, cached_floors, cached_sightless_floors
from emtm.metrics.predictions import read_predictions, without_prediction
from emtm.metrics.published import UNOFFICIAL, published_beside
from emtm.metrics.scoring import FORMAT, score


@dataclass(frozen=True, slots=True)
class Truth:
    """The queries to score, and the training queries that the floors are chosen on."""

    dataset: str
    split: str
    queries: tuple[Query, ...]
    notes: tuple[str, ...]
    train: tuple[Query, ...] = ()
    """Empty where no training annotations lie beside the file."""
    asked: tuple[Query, ...] = ()
    """Those of the file in its order, with those that a policy has dropped; empty where it is the same."""
    world: Dataset | None = None
    """The embedded dataset, if it is one."""
    official: str | None = None
    """Which published version of the test set it is, by its content."""


def load_truth(
    dataset: str,
    annotations: Path | None,
    split: str | None = None,
    conventions: Conventions = SOUND,
    title: str | None = None,
) -> Truth:
    """Queries of a split of an embedded dataset, or of an annotation file of a real one.

    `annotations` is the file, or a folder with the files of the dataset. `split` defaults to the one that
    the file is known to be, and to test. The training file is looked for beside it. `conventions` say what is
    done to ends beyond the video and to empty moments; `title` is what tables call `custom`.

    Raises:
        UserError: there is no such dataset or file, an annotation is malformed, or the file is another split.
    """
    if dataset in WORLDS:
        return _world(dataset, annotations, split or "test")
    if dataset == CUSTOM:
        return _own(annotations, split, conventions, title)
    if dataset not in BENCHMARKS:
        raise UserError(unknown("dataset", dataset, dataset_names()))
    about = BENCHMARKS[dataset]
    if annotations is None:
        raise UserError(f"{dataset} needs --annotations: the annotation file of the split")
    if annotations.is_dir():
        split = split or about.test_alias or "test"
        annotations = _file_of(about, annotations, split)
    read = read_annotations(annotations, policy=conventions.policy)
    named = split or _split_of(about, annotations.name)
    if named not in about.counts:
        raise UserError(f"{dataset} has no split '{named}', only {', '.join(about.counts)}")
    other = belongs_elsewhere(about, read.report.annotated, read.report.annotated_videos)
    if other:
        raise UserError(f"{annotations} holds {other}, not {about.title}")
    if not read.queries:
        raise UserError(f"{annotations} gives no moments to score against")
    found, version = about.recognise(named, read.report.annotated, read.report.annotated_videos)
    if found is not None and version is not None and found != named:
        if split is not None:
            raise UserError(
                f"{annotations} holds the published {found} of {about.title} ({version.label}), not {split}"
            )
        named = found
    beside = [annotations.parent / name for name in about.files["train"]]
    found_train = next((path for path in beside if path.is_file() and path != annotations), None)
    train = () if found_train is None else read_annotations(found_train, policy=conventions.policy).queries
    notes = (file_note(about, named, read), *about.notes)
    official = official_label(about, named, read.report)
    return Truth(dataset, named, read.queries, notes, train, read.asked, official=official)


def score_file(
    path: Path,
    truth: Truth,
    choice: Choice | None = None,
    *,
    clips: int | None = None,
    clip_counts: Path | None = None,
    progress: Progress = lambda name: None,
) -> dict[str, Any]:
    """Scores of a file of predictions, with floors, ceiling and published figures; in percent.

    Args:
        path: see `emtm.metrics.predictions`.
        truth: what to score against.
        choice: conventions and protocol, by default the sound ones; the truth was loaded under the same.
        clips: clips of the model's grid; `index` needs them, `timestamp` tells their ceiling.
        clip_counts: JSON object of feature rows by video; shorter videos have fewer clips than `clips`.
        progress: hears the name of each floor before it is computed.
    """
    choice = choice or Choice()
    conventions, protocol = choice.conventions, choice.protocol
    predictions = read_predictions(path, truth.queries, truth.asked, conventions)
    counts = None if clips is None else clips_of(truth.queries, clips, clip_counts)
    if protocol == "index" and counts is None:
        raise UserError("protocol 'index' needs --clips: the number of clips of the model's grid")
    scores = score(predictions, truth.queries, protocol, counts, conventions=conventions)
    report = scores.to_json(truth.dataset, truth.split)
    floors, reason = _floors(truth, progress, conventions)
    report["floors"] = floors
    if reason:
        report["floors_reason"] = reason
    if clips is not None:
        report["ceiling"] = ceiling(truth.queries, clips, counts, conventions).to_json()
    absent = [query for query in truth.queries if query.query_id not in predictions]
    misses = [f"{without_prediction(absent, len(truth.queries))}; they count as misses"] if absent else []
    return {
        "format": FORMAT,
        **report,
        "conventions": {"as": choice.evaluator, **conventions.to_json()},
        "missing": len(absent),
        "synthetic": truth.world is not None,
        "predictions": str(path),
        **_hash_of(path),
        "notes": [*misses, *truth.notes],
        "official": truth.official,
        **({} if truth.official else {"official_reason": UNOFFICIAL}),
        "published": [entry.to_json() for entry in published_beside(truth.dataset, truth.official)],
    }


def _hash_of(path: Path) -> dict[str, str | None]:
    """Of the predictions; a pipe has been read and is empty by now."""
    if not path.is_file():
        return {"predictions_sha256": None, "predictions_sha256_reason": "not a file that can be read again"}
    with path.open("rb") as file:
        return {"predictions_sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def ceilings(
    truth: Truth,
    grids: Sequence[int] | None = None,
    clip_counts: Path | None = None,
    conventions: Conventions = SOUND,
) -> list[Ceiling]:
    """Ceilings of the published grids, or of those given."""
    queries = truth.queries
    return [ceiling(queries, n, clips_of(queries, n, clip_counts), conventions) for n in grids or GRIDS]


def clips_of(queries: Sequence[Query], clips: int, clip_counts: Path | None = None) -> dict[str, int]:
    """Clips of every video: `clips`, or its feature rows in the file where those are fewer."""
    videos = {query.video_id for query in queries}
    if clip_counts is None:
        return dict.fromkeys(videos, clips)
    rows = read_json(clip_counts)
    if not isinstance(rows, Mapping):
        raise UserError(f"{clip_counts} is not a JSON object of videos and their feature rows")
    known = {video_key(video): count for video, count in rows.items()}
    counts = {video: known.get(video_key(video)) for video in videos}
    bad = sorted(video for video, count in counts.items() if not isinstance(count, int) or count < 1)
    if bad:
        raise UserError(f"{clip_counts} gives no number of rows for {len(bad)} of {len(videos)} videos: {bad[0]} first")
    return {video: min(known[video_key(video)], clips) for video in videos}


def _world(dataset: str, annotations: Path | None, split: str) -> Truth:
    if annotations is not None:
        raise UserError(f"{dataset} is embedded: it takes no annotation file")
    world = open_dataset(dataset)
    if split not in world.splits:
        raise UserError(f"{dataset} has no split '{split}', only {', '.join(world.splits)}")
    return Truth(dataset, split, tuple(world.splits[split]), tuple(world.notes), world.splits["train"], world=world)


def _own(place: Path | None, split: str | None, conventions: Conventions, title: str | None) -> Truth:
    """Queries of one's own: a split of a folder, or all of a file that says nothing about splits."""
    if place is None:
        raise UserError(f"{CUSTOM} needs --annotations: your folder, or a file of queries")
    shown = own_title(title, place if place.is_dir() else place.resolve().parent)
    files = own_files(place)
    if place.is_file() and split is None:
        split = next((key for key, path in files.items() if path == place and split_of_file(key)), None)
        if split is None and not (alone := read_own_lines(place, conventions.policy)).splits:
            found = alone.annotations
            if not found.queries:
                raise UserError(f"{place} gives no moments to score against")
            return Truth(shown, "test", found.queries, (found.report.note(),), asked=found.asked)
    own, split = read_own(place, conventions.policy), split or "test"
    if split not in own.splits:
        raise UserError(f"{shown} has no split '{split}', only {', '.join(own.splits)}")
    return Truth(shown, split, own.splits[split], own.notes, own.splits["train"], own.asked[split])


def _file_of(about: Benchmark, folder: Path, split: str) -> Path:
    names = about.files.get(split)
    if names is None:
        raise UserError(f"{about.name} has no split '{split}', only {', '.join(about.files)}")
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise UserError(f"{folder} has no {split} annotations of {about.title}: {' or '.join(names)}")
    return found


def _split_of(about: Benchmark, file_name: str) -> str:
    known = (split for split, names in about.files.items() if file_name in names)
    return next(known, about.test_alias or "test")


def _floors(truth: Truth, progress: Progress, conventions: Conventions) -> tuple[Floors, str]:
    """Floors of the queries, and why there are none, or fewer than for a dataset with features."""
    if truth.world is not None:
        return cached_floors(truth.world, truth.split, progress, conventions), ""
    if not truth.train:
        return {}, "no training annotations lie beside the file, so there are no floors"
    found = cached_sightless_floors(truth.train, truth.queries, progress, conventions)
    return found, "the video-only floor needs features"

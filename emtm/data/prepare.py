"""What a user has of a real dataset: found, missing, wrong, and where the rest comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emtm.data import manifest
from emtm.data.annotations import Annotations, Policy, read_annotations
from emtm.data.annotations.charades_text import duration_files
from emtm.data.annotations.own_lines import faults
from emtm.data.benchmarks import BENCHMARKS, GLOVE_SOURCE, Benchmark, belongs_elsewhere, benchmark
from emtm.data.clocks import Clock, durations, read_clock
from emtm.data.coverage import coverage
from emtm.data.features import missing, open_store, store_files
from emtm.data.learned_words import learned_note, learned_words
from emtm.data.manifest import Manifest
from emtm.data.own import CUSTOM, own_files, own_title, read_own, split_of_file
from emtm.data.real import EMBEDDED, RealAnnotations, arrange, file_note, overlaps, present_files, words_of
from emtm.data.records import FeatureStore, Query
from emtm.data.word_vectors import read_word_vectors
from emtm.errors import UserError
from emtm.processes import held

Progress = Callable[[int], object]
_SHOWN = 5
_SHOWN_LINES = 20
_OWN_FEATURES = "one array [rows, width] a video, under its id; `python -m emtm extract` makes them of video files"


@dataclass(slots=True)
class Inspection:
    """Findings about one dataset in one folder, each a sentence."""

    dataset: str
    root: Path
    found: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    files: dict[str, Any] = field(default_factory=dict)
    """Report of each split's annotation file."""
    splits: dict[str, dict[str, int]] = field(default_factory=dict)
    """Queries and videos of the splits that training uses."""
    features: dict[str, int] | None = None
    """Width, videos found and wanted, fewest and most rows."""
    clock: Clock | None = None
    """How long a feature row lasts."""
    word_vectors: dict[str, Any] | None = None
    """Width, and how much of the text they know (`emtm.data.coverage`), every unknown word included."""
    notes: tuple[str, ...] = ()
    """What every table about the dataset will say."""
    annotations_sound: bool = False
    manifest: Path | None = None

    @property
    def ready(self) -> bool:
        """Whether a model can be trained."""
        return self.annotations_sound and not self.missing and not self.wrong

    def to_json(self) -> dict[str, Any]:
        """Plain JSON object."""
        return {
            "dataset": self.dataset,
            "root": str(self.root),
            "ready": self.ready,
            "found": self.found,
            "missing": self.missing,
            "wrong": self.wrong,
            "files": self.files,
            "splits": self.splits,
            "features": self.features,
            "clock": None if self.clock is None else self.clock.to_json(),
            "word_vectors": self.word_vectors,
            "notes": list(self.notes),
            "manifest": None if self.manifest is None else str(self.manifest),
        }


def prepare(
    name: str,
    root: Path,
    features: str | None = None,
    glove: Path | None = None,
    policy: Policy | None = None,
    progress: Progress = lambda done: None,
    *,
    clip_s: str | None = None,
    title: str | None = None,
) -> Inspection:
    """Look at what lies in `root`, read all of it, and write a manifest if the annotations are sound.

    `progress` hears of every video read and every file hashed. `clip_s` states what a feature row stands for, `title`
    is what tables are to call `custom`.

    Raises:
        UserError: the dataset is unknown, there is no such directory, or another process is at work in it.
    """
    known, policy = None if name == CUSTOM else benchmark(name), policy or Policy()
    if not root.is_dir():
        raise UserError(f"there is no directory {root}")
    inspection = Inspection(own_title(title, root) if known is None else name, root)
    with held(root, "prepare another folder"):
        _inspect(inspection, name, known, features, glove, policy, progress, clip_s)
    return inspection


def _inspect(
    inspection: Inspection,
    name: str,
    known: Benchmark | None,
    features: str | None,
    glove: Path | None,
    policy: Policy,
    progress: Progress,
    clip_s: str | None,
) -> None:
    root = inspection.root
    annotations = _own(inspection, policy) if known is None else _annotations(inspection, known, policy)
    if annotations is None:
        return
    queries = list(dict.fromkeys(query for part in annotations.splits.values() for query in part))
    staged = features == EMBEDDED
    if staged:
        inspection.found.append("features: embedded ones, synthetic videos rendered for the real annotations")
    origin = _OWN_FEATURES if known is None else known.all_feature_sources
    used = [] if staged else _features(inspection, origin, features, queries, clip_s, progress)
    if glove is not None or not (staged or known is None):  # those have or learn vectors of their own
        used += _word_vectors(inspection, glove, queries)
    elif not staged:
        inspection.found.append(learned_note(learned_words(annotations.splits["train"]), annotations.splits))
    named = list(own_files(root).values()) if known is None else _benchmark_files(known, root)
    stamped = manifest.stamps(root, named, progress), manifest.stamps(root, used, progress)
    clock = None if inspection.clock is None else inspection.clock.note()
    inspection.manifest = manifest.write(root, Manifest(name, policy, *stamped, clip_s, clock))


def _benchmark_files(known: Benchmark, root: Path) -> list[Path]:
    files, _ = present_files(known, root)
    texts = any(path.suffix == ".txt" for path in files.values())
    return [*files.values(), *(duration_files(root) if known.durations and texts else ())]


def _own(inspection: Inspection, policy: Policy) -> RealAnnotations | None:
    """The queries of one's own files, where every line can be read."""
    try:
        paths = own_files(inspection.root)
        wrong = [fault for split, path in paths.items() for fault in faults(path, policy, split_of_file(split))]
        inspection.wrong += wrong[:_SHOWN_LINES]
        if len(wrong) > _SHOWN_LINES:
            inspection.wrong.append(f"and {len(wrong) - _SHOWN_LINES:,} more lines")
        if wrong:
            return None
        own = read_own(inspection.root, policy)
    except UserError as error:
        inspection.wrong.append(str(error))
        return None
    for key, file in own.files.items():
        inspection.files[key] = file.report.to_json()
        inspection.found.append(file.report.note())
    annotated = RealAnnotations(own.splits, own.notes, own.about)
    _sound(inspection, annotated)
    return annotated


def _sound(inspection: Inspection, annotations: RealAnnotations) -> None:
    """What is said of annotations that can be used."""
    inspection.annotations_sound = True
    inspection.notes = annotations.notes
    inspection.splits = {
        split: {"queries": len(queries), "videos": len({query.video_id for query in queries})}
        for split, queries in annotations.splits.items()
    }


def _annotations(inspection: Inspection, known: Benchmark, policy: Policy) -> RealAnnotations | None:
    """The queries, where the files of all splits can be read."""
    files, absent = present_files(known, inspection.root)
    inspection.missing += [f"{what}: {known.annotation_source}" for what in absent]
    read: dict[str, Annotations] = {}
    for split, path in files.items():
        try:
            read[split] = read_annotations(path, policy=policy)
        except UserError as error:
            inspection.wrong.append(str(error))
            continue
        report = read[split].report
        inspection.files[split] = report.to_json()
        inspection.found.append(f"{split}: {file_note(known, split, read[split])}")
        where, version = known.recognise(split, report.annotated, report.annotated_videos)
        if version is not None and where != split:
            inspection.wrong.append(f"{path} is the published {where} ({version.label}), not {split}")
        other = belongs_elsewhere(known, report.annotated, report.annotated_videos)
        if other:
            inspection.wrong.append(f"{path} holds {other}, not {known.title}")
            del read[split]
        others = [name for name in known.files[split] if name != path.name and (inspection.root / name).is_file()]
        if others:
            inspection.found.append(f"{split}: {', '.join(others)} is there too and not used")
    if absent or len(read) < len(files):
        return None
    try:
        annotations = arrange(known, read)
    except UserError as error:
        inspection.wrong.append(str(error))
        return None
    _sound(inspection, annotations)
    for split, count in overlaps(annotations.splits).items():
        inspection.wrong.append(f"{count:,} videos of train are in {split} too")
    return annotations


def _features(
    inspection: Inspection,
    origin: str,
    features: str | None,
    queries: list[Query],
    clip_s: str | None,
    progress: Progress,
) -> list[Path]:
    """Read the features of every annotated video; gives the files that hold them if all is well."""
    place = features or inspection.root / "features"
    videos = list(dict.fromkeys(query.video_id for query in queries))
    if features is None and not Path(place).exists():
        inspection.missing.append(f"features of {len(videos):,} videos in {place} or at --features: {origin}")
        return []
    try:
        store = open_store(place)
    except UserError as error:
        inspection.wrong.append(str(error))
        return []
    absent = missing(store, videos)
    if absent:
        shown = ", ".join(absent[:_SHOWN]) + (", ..." if len(absent) > _SHOWN else "")
        inspection.missing.append(f"features of {len(absent):,} of {len(videos):,} videos ({shown}): {origin}")
    gone = set(absent)
    rows, broken = _rows(store, [video for video in videos if video not in gone], progress)
    inspection.wrong += broken[:_SHOWN]
    if len(broken) > _SHOWN:
        inspection.wrong.append(f"and the features of {len(broken) - _SHOWN:,} more videos")
    inspection.features = {"width": store.dim, "videos": len(rows), "wanted": len(videos)}
    if not rows:
        return []
    if absent:
        inspection.found.append(_part(inspection.dataset, queries, set(rows), store.dim))
    few, many = min(rows.values()), max(rows.values())
    inspection.features |= {"fewest_rows": few, "most_rows": many}
    inspection.found.append(
        f"features: {len(rows):,} of {len(videos):,} videos, {store.dim} wide, {few} to {many:,} rows"
    )
    try:
        clock = read_clock(store, {video: s for video, s in durations(queries).items() if video in rows}, clip_s)
    except UserError as error:
        inspection.wrong.append(str(error))
        return []
    if clock is not None:
        inspection.clock = clock
        inspection.found.append(f"clock: {clock.note()}")
    return [] if broken else store_files(place)


def _part(dataset: str, queries: list[Query], there: set[str], width: int) -> str:
    """What can be done with the features of part of the videos."""
    usable = sum(query.video_id in there for query in queries)
    known = BENCHMARKS.get(dataset)
    public = known.recognise_features(len(there), width) if known else None
    like = f"; they are as many and as wide as {public.text}" if public else ""
    return (
        f"cross-validation by video (--fold 1/5, or --folds 5 of reproduce) can use {usable:,} of {len(queries):,} "
        f"queries, of {len(there):,} videos{like}"
    )


def _rows(store: FeatureStore, videos: list[str], progress: Progress) -> tuple[dict[str, int], list[str]]:
    """Number of rows of each sound video, and what is wrong with the others."""
    rows, broken = {}, []
    for video in videos:
        try:
            rows[video] = len(store[video])
        except UserError as error:
            broken.append(str(error))
        progress(1)
    return rows, broken


def _word_vectors(inspection: Inspection, glove: Path | None, queries: list[Query]) -> list[Path]:
    words = words_of(queries)
    if glove is None:
        inspection.missing.append(f"word vectors of {len(words):,} words, at --glove: {GLOVE_SOURCE}")
        return []
    try:
        vectors = read_word_vectors(glove, words)
    except UserError as error:
        inspection.wrong.append(str(error))
        return []
    width = vectors.vectors.shape[1]
    known = coverage((query.sentence for query in queries), vectors)
    inspection.word_vectors = {"width": width, **known.to_json()}
    inspection.found.append(f"{known.note()}; {width} wide")
    return [glove] if glove.is_file() else []  # vectors of an installed package are no file of the user's

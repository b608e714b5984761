"""Real data from files that the user has: annotations of a benchmark or of one's own, features, word vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from emtm.data import manifest
from emtm.data.annotations import Annotations, Policy, Report, read_annotations
from emtm.data.annotations.charades_text import DURATION_FILES, duration_files
from emtm.data.benchmarks import Benchmark, belongs_elsewhere, benchmark
from emtm.data.coverage import coverage
from emtm.data.features import missing, open_store, store_files
from emtm.data.folds import Fold, Pool, check_pool, cut, fold_note, pool_of
from emtm.data.learned_words import learned_note, learned_words
from emtm.data.own import CUSTOM, own_title, read_own
from emtm.data.records import Dataset, FeatureStore, Query, WordVectors
from emtm.data.synthetic.config import WORLDS, WorldConfig
from emtm.data.synthetic.grammar import word_vectors
from emtm.data.synthetic.stage import stage
from emtm.data.text import tokenize
from emtm.data.word_vectors import read_word_vectors
from emtm.errors import UserError

EMBEDDED = "embedded"
"""Given instead of a features path: stage the real queries in an embedded world."""

_HELD_OUT = 0.1
_HOLD_OUT_SEED = 0
_WORLDS = {"tacos": "synth-tacos", "charades-sta": "synth-charades", "charades-cd": "synth-charades"}
_OTHER_WORLD = "synth-anet"

Splits = dict[str, tuple[Query, ...]]


@dataclass(frozen=True, slots=True)
class RealAnnotations:
    """The queries of a real dataset, and what every table about them must say."""

    splits: Splits
    notes: tuple[str, ...]
    about: tuple[str, ...]
    """Those of the notes that hold however the queries are split."""
    official: Mapping[str, str] = field(default_factory=dict)
    """See `emtm.data.records.Dataset`."""


def open_real(
    name: str,
    root: Path,
    features: Path | str | None,
    glove: Path | None,
    clip_s: str | None = None,
    title: str | None = None,
    fold: Fold | None = None,
) -> Dataset:
    """Open a real dataset; see `emtm.data.datasets.open_dataset`."""
    annotations = open_annotations(name, root, features, glove)
    splits, notes, official = annotations.splits, list(annotations.notes), annotations.official
    staged = str(features) == EMBEDDED
    world = stage_of(name)
    store = _open_features(name, root, features, splits)
    if fold is not None:
        pool = pool_of(splits, store)
        check_pool(pool, fold, name)
        splits, official = cut(pool, fold), {}
        notes = [*annotations.about, pool.note, fold_note(fold, splits)]
    queries = list(dict.fromkeys(query for part in splits.values() for query in part))
    read = False
    if staged:
        notes.append("embedded features: synthetic videos rendered for the real annotations")
    else:
        absent = missing(store, [query.video_id for query in queries])
        if absent:
            notes.append(f"{len(absent):,} videos have no features, {absent[0]} first")
        prepared = manifest.find(root, name)
        if prepared is not None and prepared.covers(root, store_files(features_path(root, features))):
            read, clip_s = True, clip_s or prepared.clip_s
            notes += [prepared.clock] if prepared.clock else []
    words = words_of(queries)
    vectors: WordVectors
    if glove is not None:
        vectors = read_word_vectors(glove, words)
    elif learns_words(name, fold) and not staged:
        vectors = learned_words(splits["train"])
        notes.append(learned_note(vectors, splits))
    elif staged:
        vectors = word_vectors(sorted(words), world.world_seed)
        notes.append("embedded word vectors")
    else:
        raise UserError(f"{name} needs a file of word vectors (GloVe 840B 300-d)")
    if not vectors.learned:
        notes.append(coverage((query.sentence for query in queries), vectors).note())
    return Dataset(
        shown_name(own_title(title, root) if name == CUSTOM else name, staged, fold),
        staged,
        splits,
        store,
        vectors,
        tuple(notes),
        official={} if staged else official,
        clip_s=clip_s,
        features_read=read,
    )


def open_pool(name: str, root: Path, features: Path | str | None, glove: Path | None = None) -> Pool:
    """What can be trained and tested on of a real dataset in folds; raises UserError where that cannot be read."""
    splits = open_annotations(name, root, features, glove).splits
    return pool_of(splits, _open_features(name, root, features, splits))


def shown_name(name: str, staged: bool, fold: Fold | None) -> str:
    """What tables call a dataset: told apart where its features are synthetic, and where its splits are a fold's."""
    shown = f"{name}+{EMBEDDED}" if staged else name
    return shown if fold is None else fold.mark(shown)


def learns_words(name: str, fold: Fold | None) -> bool:
    """Whether word vectors may be left out, so that a model learns its own."""
    return name == CUSTOM or fold is not None


def _open_features(name: str, root: Path, features: Path | str | None, splits: Splits) -> FeatureStore:
    if str(features) != EMBEDDED:
        return open_store(features_path(root, features))
    return stage(list(dict.fromkeys(query for part in splits.values() for query in part)), stage_of(name))


def open_annotations(
    name: str, root: Path, features: Path | str | None = None, glove: Path | None = None
) -> RealAnnotations:
    """The queries of a real dataset under the policy of its manifest, if `prepare` has written one.

    Raises:
        UserError: a file is absent or malformed, or is not what the manifest says.
    """
    known = None if name == CUSTOM else benchmark(name)
    prepared = manifest.find(root, name)
    if prepared is not None:
        used = [] if str(features) == EMBEDDED else store_files(features or root / "features")
        manifest.check(root, prepared, [*used, *([glove] if glove else [])])
    policy = prepared.policy if prepared else Policy()
    if known is None:
        own = read_own(root, policy)
        return RealAnnotations(own.splits, own.notes, own.about)
    files = annotation_files(known, root)
    return arrange(known, {split: read_annotations(path, policy=policy) for split, path in files.items()})


def annotation_files(known: Benchmark, root: Path) -> dict[str, Path]:
    """The file of each split under `root`, the preferred one where there are several.

    Raises:
        UserError: there is no such directory, or files are absent.
    """
    if not root.is_dir():
        raise UserError(f"there is no directory {root}")
    found, absent = present_files(known, root)
    if absent:
        raise UserError(f"{root} lacks {'; '.join(absent)}")
    return found


def present_files(known: Benchmark, root: Path) -> tuple[dict[str, Path], list[str]]:
    """The file of each split that is there, and what is absent, in words."""
    found, absent = {}, []
    for split, names in known.files.items():
        there = [root / name for name in names if (root / name).is_file()]
        if there:
            found[split] = there[0]
        elif not (split == "test" and known.secret_test):
            absent.append(f"{' or '.join(names)} ({split})")
    texts = any(path.suffix == ".txt" for path in found.values())
    if known.durations and not duration_files(root) and (texts or absent):
        absent.append(f"{DURATION_FILES[0]} or Charades_v1_*.csv (durations)")
    return found, absent


def arrange(known: Benchmark, read: Mapping[str, Annotations]) -> RealAnnotations:
    """The splits that training and tables use, from the files of a benchmark."""
    splits: Splits = {split: annotations.queries for split, annotations in read.items()}
    about = (*(file_note(known, split, annotations) for split, annotations in read.items()), *known.notes)
    notes = list(about[: len(read)])
    official = {split: label for split, found in read.items() if (label := official_label(known, split, found.report))}
    if known.secret_test and not splits.get("test"):
        splits["test"] = splits["val"]
        if "val" in official:
            official["test"] = official["val"]
        notes.append("test: the official val, because the windows of the test split are not there")
    if known.held_out_val or splits.get("val") is splits.get("test"):
        splits["train"], splits["val"] = _hold_out(splits["train"])
        notes.append(
            f"val: {_size(splits['val'])} held out of train (seed {_HOLD_OUT_SEED}), "
            f"which leaves {_size(splits['train'])} to train on"
        )
    if known.test_alias:
        splits["test"] = splits[known.test_alias]
        if known.test_alias in official:
            official["test"] = official[known.test_alias]
        notes.append(f"test: the same as {known.test_alias}")
    empty = [split for split, queries in splits.items() if not queries]
    if empty:
        raise UserError(f"{known.title} has no annotated queries in {', '.join(empty)}")
    notes += [f"{count:,} videos of train are in {split} too" for split, count in overlaps(splits).items()]
    order = ("train", "val", *(split for split in splits if split not in ("train", "val")))
    return RealAnnotations({split: splits[split] for split in order}, (*notes, *known.notes), about, official)


def official_label(known: Benchmark, split: str, report: Report) -> str | None:
    """Which published version of a test set a file is, by what it holds; None for training data and anything else."""
    where, version = known.recognise(split, report.annotated, report.annotated_videos)
    return version.label if version is not None and where == split != "train" else None


def file_note(known: Benchmark, split: str, annotations: Annotations) -> str:
    """One line about a file: what it is, its counts and policies, and which published version that is."""
    report = annotations.report
    where, version = known.recognise(split, report.annotated, report.annotated_videos)
    other = belongs_elsewhere(known, report.annotated, report.annotated_videos)
    label = f"{other}, not {known.title}" if other else "a count that no publication gives"
    if version is not None:
        label = version.label if where == split else f"the published {where}, not {split} ({version.label})"
    return f"{report.note()}; {label}"


def overlaps(splits: Mapping[str, Iterable[Query]]) -> dict[str, int]:
    """Number of training videos in each other split, where there are any."""
    videos = {split: {query.video_id for query in queries} for split, queries in splits.items()}
    shared = {split: len(videos["train"] & found) for split, found in videos.items() if split != "train"}
    return {split: count for split, count in shared.items() if count}


def stage_of(name: str) -> WorldConfig:
    """The embedded world in which a real dataset's queries are staged."""
    return WORLDS[_WORLDS.get(name, _OTHER_WORLD)]


def words_of(queries: Iterable[Query]) -> set[str]:
    """Distinct tokens of the sentences."""
    return {token for query in queries for token in tokenize(query.sentence)}


def features_path(root: Path, features: Path | str | None) -> Path | str:
    """Where the features are; raises UserError where neither they nor their place are given."""
    if features is None and not (root / "features").exists():
        raise UserError(
            f"there is no {root / 'features'}: say where the features are, or '{EMBEDDED}' for synthetic ones"
        )
    return root / "features" if features is None else features


def _size(queries: tuple[Query, ...]) -> str:
    return f"{len(queries):,} queries of {len({query.video_id for query in queries}):,} videos"


def _hold_out(queries: tuple[Query, ...]) -> tuple[tuple[Query, ...], tuple[Query, ...]]:
    """The queries of nine tenths of the videos, and of every tenth by a seeded shuffle."""
    videos = sorted({query.video_id for query in queries})
    shuffled = np.random.default_rng(_HOLD_OUT_SEED).permutation(len(videos))
    held = {videos[i] for i in shuffled[: round(_HELD_OUT * len(videos))]}
    return (
        tuple(query for query in queries if query.video_id not in held),
        tuple(query for query in queries if query.video_id in held),
    )

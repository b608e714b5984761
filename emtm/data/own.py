"""Data of one's own, `--dataset custom`: under a name of its own, split by video.

A folder holds either one `.jsonl` file, or `train.jsonl` and `test.jsonl` and perhaps `val.jsonl`; the lines are those
of `emtm.data.annotations.own_lines`. What is not given is made: which part a video belongs to follows from a hash of
its id and the seed alone. So a video stays where it is when others come, and a smaller part lies within a larger one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emtm.data.annotations import Annotations, Policy
from emtm.data.annotations.own_lines import EXAMPLE, SPLITS, SUFFIX, OwnFile, read_own_lines
from emtm.data.benchmarks import BENCHMARKS
from emtm.data.records import Query
from emtm.data.synthetic.config import WORLDS
from emtm.errors import UserError

CUSTOM = "custom"
"""Name of the dataset where one of `emtm.data.benchmarks` would stand."""
VAL, TEST = 0.1, 0.2
"""Share of the videos in parts that are made."""
SEED = 0

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_WHOLE = "queries"
"""Key of the one file that holds all splits."""
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class OwnAnnotations:
    """The queries of a folder."""

    splits: dict[str, tuple[Query, ...]]
    asked: Mapping[str, tuple[Query, ...]]
    """Of each split, those in the order of the file that a policy has dropped included."""
    files: Mapping[str, Annotations]
    """By split, or all in one."""
    notes: tuple[str, ...]
    """What every table must say."""
    about: tuple[str, ...]
    """Those of the notes that hold however the queries are split."""


def own_title(title: str | None, place: Path) -> str:
    """Name that tables show: the given one, or that of the folder.

    Raises:
        UserError: it can be no name of a file, or it is a benchmark's or an embedded dataset's.
    """
    chosen = (place.resolve().name or CUSTOM) if title is None else title
    if not _NAME.fullmatch(chosen):
        raise UserError(
            f"'{chosen}' cannot name a dataset: choose one with --name, of up to 40 letters, digits, dots, dashes and "
            "underscores"
        )
    taken = {_plain(name) for known in BENCHMARKS.values() for name in (known.name, known.title)}
    if _plain(chosen) in taken | set(map(_plain, WORLDS)) or chosen.lower().startswith("synth-"):
        raise UserError(f"'{chosen}' is the name of a dataset that others know: choose one of your own with --name")
    return chosen


def own_files(place: Path) -> dict[str, Path]:
    """The files of a folder by split, or one file of all; `place` may be a file, beside which the others are.

    Raises:
        UserError: there are none, or it is not plain which.
    """
    if place.is_file():
        if place.name not in _split_files(place.parent).values():
            return {_WHOLE: place}
        place = place.parent
    if not place.is_dir():
        raise UserError(f"there is no directory {place}")
    named = {split: place / name for split, name in _split_files(place).items()}
    if {"train", "test"} <= named.keys():
        return named
    found = sorted(path for path in place.iterdir() if path.suffix == SUFFIX and not path.name.startswith("."))
    if len(found) == 1:
        return {_WHOLE: found[0]}
    if not found:
        raise UserError(f"{place} holds no {SUFFIX} file of queries; a line of one is {EXAMPLE}")
    shown = ", ".join(path.name for path in found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
    raise UserError(
        f"{place} holds {len(found)} {SUFFIX} files ({shown}): leave one, or name them train{SUFFIX}, "
        f"test{SUFFIX} and, if there is one, val{SUFFIX}"
    )


def split_of_file(key: str) -> str | None:
    """The split that a whole file of `own_files` is, by its key; None for the one file of all."""
    return None if key == _WHOLE else key


def read_own(place: Path, policy: Policy) -> OwnAnnotations:
    """The queries of a folder, or of a file and those beside it, in splits.

    Raises:
        UserError: files are not there, a line is wrong, a video is in two splits, or there are too few to make any.
    """
    paths = own_files(place)
    read = {key: read_own_lines(path, policy, split_of_file(key)) for key, path in paths.items()}
    whole = paths.get(_WHOLE)
    if whole is None:
        of, notes = _of_files({split: file.annotations for split, file in read.items()}), list[str]()
    else:
        of, notes = _of_lines(whole, read[_WHOLE])
    if "val" not in of.values():
        train = [video for video, split in of.items() if split == "train"]
        of |= dict.fromkeys(hold_out(train), "val")
        notes.append(f"val: {_made('of the training videos')}")
    splits, asked = (_parts(of, queries) for queries in _all(read))
    empty = [split for split, queries in splits.items() if not queries]
    if empty:
        raise UserError(f"{place} has no queries to use in {', '.join(empty)}")
    files = {split: file.annotations for split, file in read.items()}
    reports = tuple(found.report.note() for found in files.values())
    sizes = ", ".join(f"{split} {_size(queries)}" for split, queries in splits.items())
    return OwnAnnotations(splits, asked, files, (*reports, sizes, *notes), reports)


def make_splits(videos: Iterable[str], val: float = VAL, test: float = TEST, seed: int = SEED) -> dict[str, str]:
    """Split of every video: those of lowest hash are test, those of highest val, at least one each.

    Raises:
        UserError: there are fewer than three.
    """
    order = _by_place(videos, seed)
    if len(order) < 3:
        raise UserError(f"{len(order)} videos cannot be split into train, val and test: three are needed")
    tested = min(max(sum(_place(video, seed) < test for video in order), 1), len(order) - 2)
    rest = order[tested:]
    held = hold_out(rest, val, seed)
    return {**dict.fromkeys(order[:tested], "test"), **dict.fromkeys(rest, "train"), **dict.fromkeys(held, "val")}


def hold_out(videos: Iterable[str], share: float = VAL, seed: int = SEED) -> list[str]:
    """The videos of highest hash, at least one, and all but one at most; raises UserError where there is but one."""
    order = _by_place(videos, seed)
    if len(order) < 2:
        raise UserError("val cannot be made of the training videos: two are needed, and there are fewer")
    held = min(max(sum(_place(video, seed) >= 1 - share for video in order), 1), len(order) - 1)
    return order[-held:]


def _of_files(read: Mapping[str, Annotations]) -> dict[str, str]:
    """Split of every video, by files."""
    of: dict[str, str] = {}
    for split, found in read.items():
        for query in found.asked:
            if of.setdefault(query.video_id, split) != split:
                raise UserError(f"video '{query.video_id}' is in {of[query.video_id]} and in {split}: split by video")
    return of


def _of_lines(path: Path, file: OwnFile) -> tuple[dict[str, str], list[str]]:
    """Split of every video by the lines, or made; and what is to be said about that."""
    if not file.splits:
        made = make_splits(query.video_id for query in file.annotations.asked)
        return made, [f"train, val and test: {_made('of the videos')}"]
    lacking = {"train", "test"} - set(file.splits.values())
    if lacking:
        raise UserError(f"no line of {path} has the split {' or '.join(sorted(lacking))}")
    return dict(file.splits), []


def _all(read: Mapping[str, OwnFile]) -> tuple[list[Query], list[Query]]:
    """The queries kept, and all that were asked."""
    files = [file.annotations for file in read.values()]
    return [query for file in files for query in file.queries], [query for file in files for query in file.asked]


def _parts(of: Mapping[str, str], queries: Iterable[Query]) -> dict[str, tuple[Query, ...]]:
    parts: dict[str, list[Query]] = {split: [] for split in SPLITS}
    for query in queries:
        parts[of[query.video_id]].append(query)
    return {split: tuple(found) for split, found in parts.items()}


def _made(of_what: str) -> str:
    return f"made {of_what} by a hash of the video's id (seed {SEED}), kept in every run"


def _size(queries: tuple[Query, ...]) -> str:
    return f"{len(queries):,} queries of {len({query.video_id for query in queries}):,} videos"


def _split_files(folder: Path) -> dict[str, str]:
    return {split: f"{split}{SUFFIX}" for split in SPLITS if (folder / f"{split}{SUFFIX}").is_file()}


def _by_place(videos: Iterable[str], seed: int) -> list[str]:
    return sorted(set(videos), key=lambda video: (_place(video, seed), video))


def _place(video: str, seed: int) -> float:
    """Where the hash of a video lies between 0 and 1."""
    digest = hashlib.sha256(f"{seed} {video}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _plain(name: str) -> str:
    """A name without what people write differently."""
    return "".join(filter(str.isalnum, name.lower()))

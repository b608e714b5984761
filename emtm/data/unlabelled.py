"""Pairs of a video and a sentence that nobody annotated, from a file: what a taught model also learns from.

A line of the `.jsonl` file is a JSON object for each pair::

    {"video_id": "kitchen-07", "duration": 61.0, "query": "he pours the milk"}

The features of the videos lie with those of the dataset. A video of its training part need not say how long it is; one
of its val or test is refused, since what is tested on must not have been seen. A moment is refused as well: annotated
queries belong to the dataset.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emtm.data.annotated import OUTSIDE
from emtm.data.annotations.rows import lines_of, parse_json, read_text, seconds, text_of, video_of
from emtm.data.records import Dataset, Query
from emtm.errors import UserError

EXAMPLE = '{"video_id": "kitchen-07", "duration": 61.0, "query": "he pours the milk"}'
_NEEDED = ("video_id", "query")
_MOMENT = ("start", "end", "windows", "timestamps")
_CLOSE_S = 0.5
"""Lengths of one video may be rounded."""


@dataclass(frozen=True, slots=True)
class UnlabelledFile:
    """A file of pairs, as it was when a run began."""

    path: str
    sha256: str


def pin_unlabelled(path: Path) -> UnlabelledFile:
    """The file as it is now; raises UserError where it cannot be read."""
    try:
        return UnlabelledFile(str(path.resolve()), hashlib.sha256(path.read_bytes()).hexdigest())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def add_unlabelled(dataset: Dataset, file: UnlabelledFile) -> Dataset:
    """The dataset with the pairs of a file among its queries without a moment.

    Raises:
        UserError: the file is not what it was, a line is unsound, or no pair is in it.
    """
    path = Path(file.path)
    if pin_unlabelled(path).sha256 != file.sha256:
        raise UserError(f"{path} has changed since the run began")
    queries = tuple(_queries(path, dataset))
    if not queries:
        raise UserError(f"{path} holds no pair; a line of it is {EXAMPLE}")
    videos = {query.video_id for query in queries}
    fresh = len(videos - {query.video_id for query in dataset.splits["train"]})
    note = (
        f"without a moment, from {path.name}: {len(queries):,} queries of {len(videos):,} videos, {fresh:,} of them new"
    )
    return replace(dataset, unlabelled=(*dataset.unlabelled, *queries), notes=(*dataset.notes, note))


def _queries(path: Path, dataset: Dataset) -> Iterator[Query]:
    split_of = {query.video_id: split for split, queries in dataset.splits.items() for query in queries}
    lengths = {query.video_id: query.duration_s for query in (*dataset.splits["train"], *dataset.unlabelled)}
    for number, text in enumerate(lines_of(read_text(path)), 1):
        if text.strip():
            yield _query(parse_json(text, str(path), number), f"{path}, line {number}", number, split_of, lengths)


def _query(entry: Any, where: str, number: int, split_of: dict[str, str], lengths: dict[str, float]) -> Query:
    """One line; `lengths` learns how long the video is."""
    if not isinstance(entry, dict):
        raise UserError(f"{where}: not a JSON object such as {EXAMPLE}")
    absent = [key for key in _NEEDED if entry.get(key) is None]
    if absent:
        raise UserError(f"{where}: lacks {', '.join(absent)}; a line is {EXAMPLE}")
    moment = next((key for key in _MOMENT if entry.get(key) is not None), None)
    if moment is not None:
        raise UserError(f"{where}: has '{moment}', but these are pairs without a moment: leave it out of the line")
    video, sentence = video_of(entry["video_id"], where), text_of(entry["query"], where)
    if not sentence.strip():
        raise UserError(f"{where}: the sentence is blank")
    if split_of.get(video, "train") != "train":
        raise UserError(f"{where}: video '{video}' is in {split_of[video]} of the dataset, which must stay unseen")
    return Query(f"{OUTSIDE}{number}", video, sentence, _length(entry, where, video, lengths), math.nan, math.nan)


def _length(entry: dict[str, Any], where: str, video: str, lengths: dict[str, float]) -> float:
    if entry.get("duration") is None:
        if video not in lengths:
            raise UserError(f"{where}: lacks duration, and video '{video}' is not known from elsewhere")
        return lengths[video]
    length = seconds(entry["duration"], where)
    if not 0 < length < math.inf:
        raise UserError(f"{where}: the duration must be positive and finite, not {length:g}")
    known = lengths.setdefault(video, length)
    if abs(length - known) > _CLOSE_S:
        raise UserError(f"{where}: video '{video}' takes {length:g} s here and {known:g} s elsewhere")
    return known

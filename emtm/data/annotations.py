"""Readers of the official annotation files, with every policy stated and counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emtm.data.records import Query
from emtm.errors import UserError

# Durations such as 234.57999999999998 are clipped to as well, but are no quirk worth counting.
_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """What reading a file did to it."""

    queries: int
    """Queries kept."""
    videos: int
    """Distinct videos among them."""
    clipped_ends: int
    """Ends beyond the duration, clipped to it."""
    dropped_empty: int
    """Annotations dropped because the moment is empty or inverted."""
    stripped_blanks: int
    """Sentences that had leading or trailing blanks."""

    def note(self, file_name: str) -> str:
        """One line for a table about the file."""
        return (
            f"{file_name}: {self.queries:,} queries of {self.videos:,} videos; "
            f"{self.clipped_ends:,} ends clipped to the duration, "
            f"{self.dropped_empty} empty moments dropped, {self.stripped_blanks:,} sentences stripped"
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """One annotation as it stands in a file, and where."""

    where: str
    video_id: str
    ordinal: int
    duration_s: float
    start_s: float
    end_s: float
    sentence: str


def read_durations(path: Path) -> dict[str, float]:
    """Seconds of every video in `charades.json`."""
    content = _json_object(path)
    try:
        return {video_id: float(entry["duration"]) for video_id, entry in content.items()}
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path}: an entry has no 'duration'") from None


def read_charades_sta(path: Path, durations: Mapping[str, float]) -> tuple[tuple[Query, ...], ReadCounts]:
    """Read the official text file of lines `VIDEO START END##sentence.` (times in seconds).

    Ends are clipped to the video, empty moments dropped, sentences stripped; all of it is counted.
    A query is called `<video>/<ordinal among the video's lines>`.

    Raises:
        UserError: a line is malformed or its video has no duration; names the file and the line.
    """
    rows = []
    seen: Counter[str] = Counter()
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        head, separator, sentence = line.partition("##")
        parts = head.split()
        if not separator or len(parts) != 3:
            raise UserError(f"{where}: not of the form 'VIDEO START END##sentence'")
        video_id = parts[0]
        if video_id not in durations:
            raise UserError(f"{where}: the duration of video '{video_id}' is unknown")
        start_s, end_s = (_seconds(part, where) for part in parts[1:])
        rows.append(_Row(where, video_id, seen[video_id], durations[video_id], start_s, end_s, sentence))
        seen[video_id] += 1
    return _queries(path, rows)


def read_activitynet(path: Path) -> tuple[tuple[Query, ...], ReadCounts]:
    """Read a JSON file `{video: {"duration", "timestamps": [[start, end]], "sentences"}}` in seconds.

    The policies, names and errors are those of `read_charades_sta`.
    """
    rows = []
    for video_id, entry in _json_object(path).items():
        where = f"{path}, video '{video_id}'"
        try:
            duration_s, spans, sentences = float(entry["duration"]), entry["timestamps"], entry["sentences"]
            pairs = list(zip(spans, sentences, strict=True))
        except (KeyError, TypeError, ValueError):
            raise UserError(f"{where}: needs a duration and as many timestamps as sentences") from None
        for ordinal, (span, sentence) in enumerate(pairs):
            if not isinstance(span, list) or len(span) != 2 or not isinstance(sentence, str):
                raise UserError(f"{where}: annotation {ordinal} is not [start, end] and a sentence")
            start_s, end_s = (_seconds(value, where) for value in span)
            rows.append(_Row(where, video_id, ordinal, duration_s, start_s, end_s, sentence))
    return _queries(path, rows)


def _queries(path: Path, rows: Iterable[_Row]) -> tuple[tuple[Query, ...], ReadCounts]:
    """Apply the policies, the same for every format."""
    kept = []
    clipped = dropped = stripped = 0
    for row in rows:
        sentence = row.sentence.strip()
        if not sentence:
            raise UserError(f"{row.where}: the sentence is empty")
        if not 0 < row.duration_s < float("inf"):
            raise UserError(f"{row.where}: the duration is {row.duration_s} seconds")
        if row.start_s < 0:
            raise UserError(f"{row.where}: the moment starts before the video")
        stripped += sentence != row.sentence
        clipped += row.end_s > row.duration_s + _ROUNDING_S
        end_s = min(row.end_s, row.duration_s)
        if row.start_s >= end_s:
            dropped += 1
            continue
        query_id = f"{row.video_id}/{row.ordinal}"
        kept.append(Query(query_id, row.video_id, sentence, row.duration_s, row.start_s, end_s))
    if not kept:
        raise UserError(f"{path} holds no annotations")
    videos = len({query.video_id for query in kept})
    return tuple(kept), ReadCounts(len(kept), videos, clipped, dropped, stripped)


def _seconds(value: object, where: str) -> float:
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise UserError(f"{where}: '{value}' is not a time in seconds") from None
    if not abs(seconds) < float("inf"):
        raise UserError(f"{where}: '{value}' is not a time in seconds")
    return seconds


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise UserError(f"cannot read {path}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text") from None


def _json_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(_text(path))
    except ValueError:
        raise UserError(f"{path} is not JSON") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} is not a JSON object of videos")
    return content

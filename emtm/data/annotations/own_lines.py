"""Lines of one's own data: a JSON object for each query, in a `.jsonl` file; all times are seconds.

::

    {"video_id": "kitchen-01", "duration": 74.2, "query": "she opens the oven", "start": 12.0, "end": 18.5}

==================  ==============================================================================
``video_id``        of the video, by which its features are found
``duration``        of the video
``query``           the sentence
``start``, ``end``  of the moment; or instead ``windows``, `[[start, end], ...]`, if there are several
``split``           train, val or test, the same in all lines of a video; in every line or in none
``query_id``        may be left out
==================  ==============================================================================

Other keys are not read. What published datasets call these things is read by the other readers and is an error here,
so that a misspelt key is found and never taken for something left out on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emtm.data.annotations.policies import Annotations, Policy, apply, check
from emtm.data.annotations.rows import Row, Window, lines_of, parse_json, read_text, seconds, text_of, video_of, window
from emtm.errors import UserError

FORMAT = "own JSON lines"
SUFFIX = ".jsonl"
SPLITS = ("train", "val", "test")
EXAMPLE = '{"video_id": "kitchen-01", "duration": 74.2, "query": "she opens the oven", "start": 12.0, "end": 18.5}'
_NEEDED = ("video_id", "duration", "query")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class OwnFile:
    """The queries of a file, and the split of each video where the lines say it."""

    annotations: Annotations
    splits: dict[str, str]
    """By video; empty where no line has a `split`."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    row: Row
    split: str | None


def read_own_lines(path: Path, policy: Policy, of: str | None = None) -> OwnFile:
    """Queries of a file whose lines are all sound; `of` is the split that the whole file is, if it is one.

    Raises:
        UserError: what is wrong with the first line that is not, or the file cannot be read.
    """
    splits: dict[str, str] = {}

    def rows() -> Iterator[Row]:
        for line in _lines(path, policy, of):
            if isinstance(line, UserError):
                raise line
            if line.split is not None:
                splits[line.row.video_id] = line.split
            yield line.row

    return OwnFile(apply(path, FORMAT, rows(), policy), splits)


def faults(path: Path, policy: Policy, of: str | None = None) -> list[str]:
    """What is wrong with every line that is not sound, each with file and line; see `read_own_lines`."""
    return [str(line) for line in _lines(path, policy, of) if isinstance(line, UserError)]


def _lines(path: Path, policy: Policy, of: str | None) -> Iterator[_Line | UserError]:
    """Every line that is not blank, or what is wrong with it by itself or beside the lines before."""
    first: _Line | None = None
    videos: dict[str, _Line] = {}
    ids: dict[str, int] = {}
    for number, text in enumerate(lines_of(read_text(path)), 1):
        if not text.strip():
            continue
        try:
            line = _line(path, number, text, policy, of)
            first = first or line
            _agree(line, first, videos.setdefault(line.row.video_id, line))
            if line.row.query_id is not None and ids.setdefault(line.row.query_id, number) != number:
                raise UserError(
                    f"{line.row.where}: the query id '{line.row.query_id}' is that of line {ids[line.row.query_id]}"
                )
        except UserError as error:
            yield error
        else:
            yield line


def _line(path: Path, number: int, text: str, policy: Policy, of: str | None) -> _Line:
    where = f"{path}, line {number}"
    entry = parse_json(text, str(path), number)
    if not isinstance(entry, dict):
        raise UserError(f"{where}: not a JSON object such as {EXAMPLE}")
    absent = [key for key in _NEEDED if entry.get(key) is None]
    if absent:
        found = ", ".join(map(str, entry))[:_LONGEST] or "nothing"
        raise UserError(f"{where}: lacks {', '.join(absent)}; it has {found}")
    given = entry.get("query_id")
    row = Row(
        where,
        video_of(entry["video_id"], where),
        seconds(entry["duration"], where),
        _windows(entry, where),
        text_of(entry["query"], where),
        None if given is None else str(given),
    )
    check(row, policy)
    split = entry.get("split")
    if split is not None and split not in SPLITS:
        raise UserError(f"{where}: 'split' is {' or '.join(SPLITS)}, not '{str(split)[:_LONGEST]}'")
    if of is not None and split not in (None, of):
        raise UserError(f"{where}: the split is '{split}', but the file is {path.name}")
    return _Line(number, row, split)


def _windows(entry: dict[str, Any], where: str) -> tuple[Window, ...]:
    windows, ends = entry.get("windows"), [key for key in ("start", "end") if entry.get(key) is not None]
    if windows is None:
        if len(ends) < 2:
            absent = " and ".join(key for key in ("start", "end") if key not in ends)
            raise UserError(f"{where}: lacks {absent}, or 'windows'")
        return (window([entry["start"], entry["end"]], where),)
    if ends:
        raise UserError(f"{where}: has 'windows' and '{ends[0]}': give one of them")
    if not isinstance(windows, list) or not windows:
        raise UserError(f"{where}: 'windows' is not a list of [start, end]")
    return tuple(window(span, where) for span in windows)


def _agree(line: _Line, first: _Line, same_video: _Line) -> None:
    """Raise UserError where a line says something else about splits than the first of all, and of its video."""
    if (line.split is None) != (first.split is None):
        has, lacks = ("has", "lacks") if first.split is None else ("lacks", "has")
        raise UserError(f"{line.row.where}: {has} a 'split', which line {first.number} {lacks}")
    if line.split != same_video.split:
        raise UserError(
            f"{line.row.where}: video '{line.row.video_id}' is in {line.split} here and in {same_video.split} "
            f"in line {same_video.number}: splits are by video"
        )

"""Anybody's predictions, one JSON object a line, matched with the annotated queries.

Two forms of a line are read, both with times in seconds::

    {"video_id": "3MSZA", "query": "person turns on the light", "moments": [[24.3, 30.4, 0.8], ...]}
    {"qid": 12, "vid": "3MSZA", "query": "...", "pred_relevant_windows": [[24.3, 30.4, 0.8], ...]}

The first is this suite's (`query_id` may stand for `video_id` and `query`), the second the submission
file of Moment-DETR and lighthouse. Sentences are compared without regard to case, blanks and the ways to
type an accent, video ids without the suffix of a file or ActivityNet's `v_`. Moments are ranked by their
scores, the given order deciding between equal ones.

TACoS asks some sentences twice about a video. Lines that name such a query by video and sentence are taken in
the order of the annotations, the n-th line for the n-th; a single line serves them all.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from emtm.data.records import Query, video_key
from emtm.errors import UserError
from emtm.metrics.conventions import SOUND, Conventions
from emtm.metrics.iou import Array

_SHOWN = 3
_NO_MOMENTS = np.empty((0, 3))
_MOMENTS = ("moments", "pred_relevant_windows")
_VIDEO = ("video_id", "vid")
_ID = ("query_id", "qid")


@dataclass(frozen=True, slots=True)
class _Line:
    where: str
    number: int
    query_id: str | None
    video_id: str | None
    sentence: str | None
    moments: Array


@dataclass(slots=True)
class _Group:
    """The queries with one sentence about one video, in the order of the annotations, and the lines about them."""

    ids: list[str] = field(default_factory=list)
    lines: list[_Line] = field(default_factory=list)


def read_predictions(
    path: Path,
    queries: Sequence[Query],
    asked: Sequence[Query] = (),
    conventions: Conventions = SOUND,
) -> dict[str, Array]:
    """Moments `[K, 3]` (start s, end s, score; best first) of every query, by query id.

    Args:
        path: the file.
        queries: those to be scored.
        asked: those of the annotation file in its order, the ones that a policy has dropped with them, if
            they are not the same: lines about the dropped are passed over.
        conventions: whether moments are ranked by their scores or as they stand, and whether queries may be
            left without an answer; they are absent from the result then.

    Raises:
        UserError: a line is malformed, answers no query, or answers one that an earlier line answered;
            names the file and the line. Also when queries are left without an answer and none may be.
    """
    asked = asked or queries
    by_id = {query.query_id: query for query in asked}
    groups: dict[tuple[str, str], _Group] = {}
    for query in asked:
        groups.setdefault(_text_key(query.video_id, query.sentence), _Group()).ids.append(query.query_id)
    answers: dict[str, _Line] = {}
    for line in _lines(path, conventions):
        about = _named(line, by_id)
        if about is not None:
            _answer(answers, about, line)
        else:
            _group_of(line, groups).lines.append(line)
    scored = {query.query_id for query in queries}
    for group in groups.values():
        for query_id, line in _in_turn(group, scored):
            _answer(answers, query_id, line)
    found = {name: line.moments for name, line in answers.items() if name in scored and len(line.moments)}
    absent = [query for query in queries if query.query_id not in found]
    if absent and (conventions.missing == "refuse" or not found):
        raise UserError(f"{path}: {without_prediction(absent, len(queries))}")
    return found


def without_prediction(absent: Sequence[Query], queries: int) -> str:
    """How many of the queries have no prediction, and the first of them, in words."""
    shown = ", ".join(f"'{q.sentence}' in {q.video_id}" for q in absent[:_SHOWN])
    more = ", ..." if len(absent) > _SHOWN else ""
    return f"{len(absent):,} of {queries:,} queries have no prediction: {shown}{more}"


def _named(line: _Line, by_id: dict[str, Query]) -> str | None:
    """Id of the query that a line names by id; None where it has none or that of another numbering."""
    query = by_id.get(line.query_id or "")
    if query is None:
        return None
    if line.video_id is not None and video_key(line.video_id) != video_key(query.video_id):
        raise UserError(f"{line.where}: query '{query.query_id}' is about video '{query.video_id}'")
    return query.query_id


def _group_of(line: _Line, groups: dict[tuple[str, str], _Group]) -> _Group:
    """The queries with the video and the sentence that a line names."""
    if line.video_id is None or line.sentence is None:
        raise UserError(f"{line.where}: there is no query '{line.query_id}'")
    group = groups.get(_text_key(line.video_id, line.sentence))
    if group is None:
        raise UserError(f"{line.where}: video '{line.video_id}' has no query '{line.sentence}'")
    if len(group.lines) == len(group.ids):
        last, times = group.lines[-1].number, len(group.ids)
        what = f"query '{group.ids[0]}' was answered in line {last} already"
        if times > 1:
            what = f"'{line.sentence}' is asked {times} times, and line {last} was the answer number {times}"
        raise UserError(f"{line.where}: {what}")
    return group


def _in_turn(group: _Group, scored: set[str]) -> Iterator[tuple[str, _Line]]:
    """The answers of a group. Whoever answers none of the dropped queries answers the others in turn."""
    if len(group.lines) == 1:
        yield from ((query_id, group.lines[0]) for query_id in group.ids)
        return
    kept = [query_id for query_id in group.ids if query_id in scored]
    yield from zip(kept if len(group.lines) == len(kept) else group.ids, group.lines, strict=False)


def _answer(answers: dict[str, _Line], query_id: str, line: _Line) -> None:
    if query_id in answers:
        before = answers[query_id].number
        raise UserError(f"{line.where}: query '{query_id}' was answered in line {before} already")
    answers[query_id] = line


def _lines(path: Path, conventions: Conventions) -> Iterator[_Line]:
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if raw.strip():
                    yield _line(f"{path}, line {number}", number, raw, conventions)
    except OSError:
        raise UserError(f"cannot read {path}") from None


def _line(where: str, number: int, raw: bytes, conventions: Conventions) -> _Line:
    try:
        content: Any = json.loads(raw)
    except (ValueError, RecursionError):
        raise UserError(f"{where}: not JSON") from None
    if not isinstance(content, dict):
        raise UserError(f"{where}: not a JSON object")
    moments = _first(content, _MOMENTS)
    if moments is None:
        raise UserError(f"{where}: has neither 'moments' nor 'pred_relevant_windows'")
    query_id, video_id, sentence = _first(content, _ID), _first(content, _VIDEO), content.get("query")
    if query_id is None and (not isinstance(video_id, str) or not isinstance(sentence, str)):
        raise UserError(f"{where}: names its query neither by 'query_id' nor by 'video_id' and 'query'")
    return _Line(
        where,
        number,
        None if query_id is None else str(query_id),
        video_id if isinstance(video_id, str) else None,
        sentence if isinstance(sentence, str) else None,
        _moments(moments, where, conventions),
    )


def _moments(moments: Any, where: str, conventions: Conventions) -> Array:
    if moments == [] and conventions.missing == "miss":
        return _NO_MOMENTS
    try:
        rows = np.array(moments, np.float64)
    except (TypeError, ValueError, OverflowError):
        rows = np.empty(0)
    if rows.ndim != 2 or rows.shape[1] != 3 or not len(rows) or not np.isfinite(rows).all():
        raise UserError(f"{where}: the moments are not a list of finite [start_s, end_s, score]")
    if (rows[:, 1] < rows[:, 0]).any():
        row = int((rows[:, 1] < rows[:, 0]).argmax())
        raise UserError(f"{where}: moment {row + 1} ends before it starts; are its numbers start and end?")
    ranked: Array = rows[np.argsort(-rows[:, 2], kind="stable")] if conventions.order == "score" else rows
    return ranked


def _first(content: dict[str, Any], names: Sequence[str]) -> Any:
    return next((content[name] for name in names if content.get(name) is not None), None)


def _text_key(video_id: str, sentence: str) -> tuple[str, str]:
    return video_key(video_id), " ".join(unicodedata.normalize("NFC", sentence).split()).casefold()

"""Anybody's predictions, one JSON object a line, matched with the annotated queries.

Two forms of a line are read, both with times in seconds::

    {"video_id": "3MSZA", "query": "person turns on the light", "moments": [[24.3, 30.4, 0.8], ...]}
    {"qid": 12, "vid": "3MSZA", "query": "...", "pred_relevant_windows": [[24.3, 30.4, 0.8], ...]}

The first is this suite's (`query_id` may stand for `video_id` and `query`), the second the submission
file of Moment-DETR and lighthouse. Sentences are compared without regard to case and blanks, video ids
without the suffix of a file or ActivityNet's `v_`. Moments are ranked by their scores, the given order
deciding between equal ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emtm.data.records import Query, video_key
from emtm.errors import UserError
from emtm.metrics.iou import Array

_SHOWN = 3
_MOMENTS = ("moments", "pred_relevant_windows")
_VIDEO = ("video_id", "vid")
_ID = ("query_id", "qid")


@dataclass(frozen=True, slots=True)
class _Line:
    where: str
    query_id: str | None
    video_id: str | None
    sentence: str | None
    moments: Array


def read_predictions(path: Path, queries: Sequence[Query], unscored: Sequence[Query] = ()) -> dict[str, Array]:
    """Moments `[K, 3]` (start s, end s, score; best first) of every query, by query id.

    A line that names video and sentence answers every query with that sentence about that video
    (TACoS asks some of them twice). Lines about the `unscored` queries, which a policy has dropped, are
    passed over.

    Raises:
        UserError: a line is malformed, answers no query, or answers one that an earlier line answered;
            names the file and the line. Also when queries are left without an answer.
    """
    by_id = {query.query_id: query for query in (*unscored, *queries)}
    by_text: dict[tuple[str, str], list[str]] = {}
    for query in by_id.values():
        by_text.setdefault(_text_key(query.video_id, query.sentence), []).append(query.query_id)
    found: dict[str, Array] = {}
    origin: dict[str, int] = {}
    for number, line in _lines(path):
        answered = _answered(line, by_id, by_text)
        for query_id in answered:
            if query_id not in found:
                continue
            # The same answer may come once for each of several queries that ask the same.
            if len(answered) > 1 and np.array_equal(found[query_id], line.moments):
                continue
            hint = "; tell repeated sentences apart by query_id" if len(answered) > 1 else ""
            raise UserError(f"{line.where}: query '{query_id}' was answered in line {origin[query_id]} already{hint}")
        found.update(dict.fromkeys(answered, line.moments))
        origin.update(dict.fromkeys(answered, number))
    for query in unscored:
        found.pop(query.query_id, None)
    absent = [query for query in queries if query.query_id not in found]
    if absent:
        shown = ", ".join(f"'{q.sentence}' in {q.video_id}" for q in absent[:_SHOWN])
        more = ", ..." if len(absent) > _SHOWN else ""
        raise UserError(f"{path}: {len(absent):,} of {len(queries):,} queries have no prediction: {shown}{more}")
    return found


def _answered(line: _Line, by_id: dict[str, Query], by_text: dict[tuple[str, str], list[str]]) -> list[str]:
    """Ids of the queries that a line is about."""
    query = by_id.get(line.query_id or "")
    if query is not None:
        if line.video_id is not None and video_key(line.video_id) != video_key(query.video_id):
            raise UserError(f"{line.where}: query '{query.query_id}' is about video '{query.video_id}'")
        return [query.query_id]
    if line.video_id is not None and line.sentence is not None:
        known = by_text.get(_text_key(line.video_id, line.sentence))
        if known is not None:
            return known
        raise UserError(f"{line.where}: video '{line.video_id}' has no query '{line.sentence}'")
    raise UserError(f"{line.where}: there is no query '{line.query_id}'")


def _lines(path: Path) -> Iterator[tuple[int, _Line]]:
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if raw.strip():
                    yield number, _line(f"{path}, line {number}", raw)
    except OSError:
        raise UserError(f"cannot read {path}") from None


def _line(where: str, raw: bytes) -> _Line:
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
        None if query_id is None else str(query_id),
        video_id if isinstance(video_id, str) else None,
        sentence if isinstance(sentence, str) else None,
        _ranked(moments, where),
    )


def _ranked(moments: Any, where: str) -> Array:
    try:
        rows = np.array(moments, np.float64)
    except (TypeError, ValueError, OverflowError):
        rows = np.empty(0)
    if rows.ndim != 2 or rows.shape[1] != 3 or not len(rows) or not np.isfinite(rows).all():
        raise UserError(f"{where}: the moments are not a list of finite [start_s, end_s, score]")
    if (rows[:, 1] < rows[:, 0]).any():
        row = int((rows[:, 1] < rows[:, 0]).argmax())
        raise UserError(f"{where}: moment {row + 1} ends before it starts; are its numbers start and end?")
    ranked: Array = rows[np.argsort(-rows[:, 2], kind="stable")]
    return ranked


def _first(content: dict[str, Any], names: Sequence[str]) -> Any:
    return next((content[name] for name in names if content.get(name) is not None), None)


def _text_key(video_id: str, sentence: str) -> tuple[str, str]:
    return video_key(video_id), " ".join(sentence.split()).casefold()

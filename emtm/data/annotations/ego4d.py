"""The annotation JSON of Ego4D's natural language queries (Grauman et al., CVPR 2022): videos, clips, people, queries.

A video of this suite is Ego4D's clip, as in the models published on it, and times are seconds of the clip. The JSON
that the baseline's own script makes of it is read by `emtm.data.annotations.captions_json`, which gives the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emtm.data.annotations.rows import Row, Window, seconds, text_of, video_of, window
from emtm.errors import UserError


def is_ego4d(content: object) -> bool:
    """Whether it is an object of videos that hold clips."""
    videos = content.get("videos") if isinstance(content, dict) else None
    return isinstance(videos, list) and bool(videos) and isinstance(videos[0], dict) and "clips" in videos[0]


def rows(path: Path, content: dict[str, Any]) -> Iterator[Row]:
    """Annotations in the order of the file; those of the test split have no times."""
    for number, video in enumerate(content["videos"]):
        for clip in _list(video, "clips", f"{path}, video {number}"):
            name = _of(clip, "clip_uid", f"{path}, video {number}")
            yield from _clip(clip, name, f"{path}, clip '{name}'")


def query_id(clip: str, annotation: object, index: object) -> str:
    """The three names that Ego4D knows a query by, in one."""
    return f"{clip}/{annotation}/{index}"


def _clip(clip: dict[str, Any], name: object, where: str) -> Iterator[Row]:
    begins = seconds(_of(clip, "video_start_sec", where), where)
    duration_s = seconds(_of(clip, "video_end_sec", where), where) - begins
    video_id = video_of(name, where)
    for annotation in _list(clip, "annotations", where):
        uid = _of(annotation, "annotation_uid", where)
        for index, query in enumerate(_list(annotation, "language_queries", where)):
            place = f"{where}, annotation '{uid}', query {index}"
            if not isinstance(query, dict):
                raise UserError(f"{place}: not a JSON object")
            sentence = query.get("query")  # a few have none
            windows = _windows(query, begins, place)
            text = "" if sentence is None else text_of(sentence, place)
            yield Row(place, video_id, duration_s, windows, text, query_id(video_id, uid, index))


def _windows(query: dict[str, Any], begins: float, place: str) -> tuple[Window, ...] | None:
    for prefix, origin in (("clip", 0.0), ("video", begins)):
        ends = [query.get(f"{prefix}_start_sec"), query.get(f"{prefix}_end_sec")]
        if any(end is not None for end in ends):
            start, end = window(ends, place)
            return ((start - origin, end - origin),)
    return None


def _list(entry: object, key: str, where: str) -> list[Any]:
    found = _of(entry, key, where)
    if not isinstance(found, list):
        raise UserError(f"{where}: '{key}' is not a list")
    return found


def _of(entry: object, key: str, where: str) -> Any:
    if not isinstance(entry, dict) or entry.get(key) is None:
        raise UserError(f"{where}: lacks {key}")
    return entry[key]

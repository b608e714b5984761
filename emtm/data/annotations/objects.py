"""One annotation as a JSON object, under the names that datasets give its parts.

==========  ===================================================================================
video       `vid` (QVHighlights), `video_id`, `video`, `vid_name` (TVR), `movie` (MAD), `clip_uid`
sentence    `query`, `sentence` (MAD), `desc` (TVR), `description`, `caption`, `text`
duration    `duration`, `video_duration`, `movie_duration` (MAD), `duration_s`
moments     `relevant_windows`, `windows`: several; `ext_timestamps`, `timestamps` (MAD), `timestamp`, `ts`
            (TVR), `moment`, `segment`, `span`: one; or two keys, `start` and `end`, `start_s` and `end_s`,
            `start_time` and `end_time`, `start_sec` and `end_sec`
id          `qid`, `query_id`, `desc_id` (TVR), `annotation_id`; may be left out
==========  ===================================================================================

All times are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emtm.data.annotations.rows import Row, Window, seconds, text_of, video_of, window
from emtm.errors import UserError

VIDEO = ("vid", "video_id", "video", "vid_name", "movie", "clip_uid")
QUERY = ("query", "sentence", "desc", "description", "caption", "text")
DURATION = ("duration", "video_duration", "movie_duration", "duration_s")
QUERY_ID = ("qid", "query_id", "desc_id", "annotation_id")
_WINDOWS = ("relevant_windows", "windows")
_WINDOW = ("ext_timestamps", "timestamps", "timestamp", "ts", "moment", "segment", "span")
_ENDS = (("start", "end"), ("start_s", "end_s"), ("start_time", "end_time"), ("start_sec", "end_sec"))


def is_annotation(entry: object) -> bool:
    """Whether an object names a video and holds a sentence."""
    return isinstance(entry, dict) and any(k in entry for k in VIDEO) and any(k in entry for k in QUERY)


def row(entry: object, where: str, query_id: str | None = None) -> Row:
    """The annotation; one without moments has been kept secret by its authors.

    Raises:
        UserError: there is no video, sentence or duration, or something is not what its name says.
    """
    if not isinstance(entry, dict):
        raise UserError(f"{where}: not a JSON object")
    parts = {"video_id": first(entry, VIDEO), "query": first(entry, QUERY), "duration": first(entry, DURATION)}
    absent = [name for name, value in parts.items() if value is None]
    if absent == ["query"] and any(key in entry for key in QUERY):
        parts["query"] = ""  # Ego4D's annotators left sentences out: `null`
    elif absent:
        raise UserError(f"{where}: lacks {', '.join(absent)}")
    own = first(entry, QUERY_ID)
    return Row(
        where,
        video_of(parts["video_id"], where),
        seconds(parts["duration"], where),
        _windows(entry, where),
        text_of(parts["query"], where),
        query_id if own is None else str(own),
    )


def first(entry: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The value under the first of the names that is there, None where none is."""
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def _windows(entry: Mapping[str, Any], where: str) -> tuple[Window, ...] | None:
    several = first(entry, _WINDOWS)
    if several is not None:
        if not isinstance(several, list) or not several:
            raise UserError(f"{where}: 'relevant_windows' is not a list of [start, end]")
        spans = several if any(isinstance(span, list) for span in several) else [several]
        return tuple(window(span, where) for span in spans)
    one = first(entry, _WINDOW)
    if one is not None:
        nested = isinstance(one, list) and len(one) == 1 and isinstance(one[0], list)
        return (window(one[0] if nested else one, where),)
    for start, end in _ENDS:
        if entry.get(start) is not None or entry.get(end) is not None:
            return (window([entry.get(start), entry.get(end)], where),)
    return None

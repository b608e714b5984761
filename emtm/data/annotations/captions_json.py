"""JSON objects of videos with parallel lists of timestamps and sentences.

ActivityNet Captions (Krishna et al., ICCV 2017) gives `duration` and seconds, Charades-CD and
ActivityNet-CD (Yuan et al., 2021) `video_duration` or `duration` and seconds, TACoS in the 2D-TAN
split (Zhang et al., AAAI 2020) `fps`, `num_frames` and **frame numbers**. The baseline of Ego4D's natural language
queries makes such a file too: its frame numbers are those of feature rows, and `exact_times`, which are read instead,
the annotated seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emtm.data.annotations.ego4d import query_id
from emtm.data.annotations.rows import Row, seconds, text_of, video_of, window
from emtm.errors import UserError


def rows(path: Path, content: dict[str, Any]) -> Iterator[Row]:
    """Annotations in the order of the file; frame numbers become seconds at the video's own rate."""
    for name, entry in content.items():
        where = f"{path}, video '{name}'"
        if not isinstance(entry, dict):
            raise UserError(f"{where}: not an object with timestamps and sentences")
        exact = "exact_times" in entry
        spans, sentences = entry.get("exact_times" if exact else "timestamps"), entry.get("sentences")
        if not isinstance(spans, list) or not isinstance(sentences, list) or len(spans) != len(sentences):
            raise UserError(f"{where}: needs as many timestamps as sentences")
        duration_s, rate = _clock(entry, where)
        rate = 1.0 if exact else rate
        video_id = video_of(name, where)
        ids = _ids(entry, video_id, len(spans), where)
        for number, (span, sentence) in enumerate(zip(spans, sentences, strict=True)):
            place = f"{where}, annotation {number}"
            start, end = window(span, place)
            moment = (start / rate, end / rate)
            yield Row(place, video_id, duration_s, (moment,), text_of(sentence, place), ids[number])


def counts_frames(content: dict[str, Any]) -> float | None:
    """Frames a second of a file whose timestamps are frame numbers, None where they are seconds."""
    entry = next(iter(content.values()), None)
    if isinstance(entry, dict) and _in_frames(entry) and "exact_times" not in entry:
        return seconds(entry["fps"], "fps")
    return None


def _ids(entry: dict[str, Any], video_id: str, count: int, where: str) -> list[str | None]:
    """Ids of the queries that the entry gives, None for each where it gives none."""
    annotations, indices = entry.get("annotation_uids"), entry.get("query_idx")
    if annotations is None or indices is None:
        return [None] * count
    if (
        not isinstance(annotations, list)
        or not isinstance(indices, list)
        or {len(annotations), len(indices)} != {count}
    ):
        raise UserError(f"{where}: needs as many annotation_uids and query_idx as sentences")
    return [query_id(video_id, *pair) for pair in zip(annotations, indices, strict=True)]


def _in_frames(entry: dict[str, Any]) -> bool:
    return "fps" in entry and "num_frames" in entry and "duration" not in entry


def _clock(entry: dict[str, Any], where: str) -> tuple[float, float]:
    """Duration in seconds, and timestamps a second."""
    if _in_frames(entry):
        rate = seconds(entry["fps"], where)
        if rate <= 0:
            raise UserError(f"{where}: the frame rate is {rate}")
        return seconds(entry["num_frames"], where) / rate, rate
    known = [entry[key] for key in ("duration", "video_duration") if key in entry]
    if not known:
        raise UserError(f"{where}: needs 'duration', or 'fps' and 'num_frames'")
    return seconds(known[0], where), 1.0

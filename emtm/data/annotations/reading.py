"""Any annotation file: its format found from its content, its rows made into queries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from emtm.data.annotations import captions_json, charades_text, didemo, ego4d, flat_list, json_lines, objects
from emtm.data.annotations.policies import Annotations, Policy, apply
from emtm.data.annotations.rows import Row, parse_json, read_text
from emtm.errors import UserError


def read_annotations(
    path: Path, durations: Mapping[str, float] | None = None, policy: Policy | None = None
) -> Annotations:
    """Queries of an annotation file in any of the formats of `emtm.data.annotations`, with what was done to them.

    A query has the id of the file, or else `<video>/<ordinal among the video's annotations>`.

    Args:
        path: the file.
        durations: seconds of the videos, which the official text of Charades-STA lacks; by default
            from `charades.json` or `Charades_v1_*.csv` beside it.
        policy: what to do with quirks; see there.

    Raises:
        UserError: the format is unknown or an annotation malformed; names the file and the line or entry.
    """
    name, rows = _rows(path, durations)
    return apply(path, name, rows, policy or Policy())


def _rows(path: Path, durations: Mapping[str, float] | None) -> tuple[str, Iterable[Row]]:
    text = read_text(path)
    begins = text.lstrip()[:1]
    if begins not in ("{", "["):
        if not begins:
            raise UserError(f"{path} holds no annotations: it is {'blank' if text else 'empty (0 bytes)'}")
        if "##" not in text:
            raise UserError(f"{path} is in no known format")
        return "official text", charades_text.rows(path, text, _durations(path) if durations is None else durations)
    if _in_lines(path, text):
        return "JSON lines", json_lines.rows(path, text)
    content: Any = _unwrapped(parse_json(text, str(path)))
    if isinstance(content, list):
        return _array(path, content)
    if ego4d.is_ego4d(content):
        return "Ego4D JSON", ego4d.rows(path, content)
    if objects.is_annotation(content):
        return "JSON lines", json_lines.array(path, [content])
    if objects.is_annotation(next(iter(content.values()), None)):
        return "JSON by id", json_lines.by_id(path, content)
    rate = captions_json.counts_frames(content)
    unit = f"JSON, frames at {rate:g} a second" if rate else "JSON"
    return unit, captions_json.rows(path, content)


def _array(path: Path, content: list[Any]) -> tuple[str, Iterable[Row]]:
    entry = next(iter(content), None)
    if didemo.is_didemo(entry):
        return f"DiDeMo JSON, chunks of {didemo.CHUNK_S:g} seconds", didemo.rows(path, content)
    if isinstance(entry, dict):
        return "JSON array", json_lines.array(path, content)
    return "flattened list", flat_list.rows(path, content)


def _unwrapped(content: Any) -> Any:
    """What a file holds under one name beside remarks: `{"version": "1", "database": {...}}` of ActivityNet, say."""
    if not isinstance(content, dict) or ego4d.is_ego4d(content) or objects.is_annotation(content):
        return content
    inner = [value for value in content.values() if isinstance(value, dict | list)]
    if len(inner) != 1 or "timestamps" in inner[0]:
        return content
    values = inner[0].values() if isinstance(inner[0], dict) else inner[0]
    return inner[0] if values and all(isinstance(value, dict) for value in values) else content


def _in_lines(path: Path, text: str) -> bool:
    """Whether every line is a JSON value by itself rather than the whole file one."""
    first, _, rest = text.strip().partition("\n")
    if path.suffix == ".jsonl" and first.startswith("{"):
        return True
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return False
    # A line of its own is an object, or a flattened entry, which begins with a video's name.
    alone = isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], str))
    return alone and (bool(rest) or isinstance(value, list))


def _durations(path: Path) -> dict[str, float]:
    files = charades_text.duration_files(path.parent)
    if not files:
        raise UserError(f"{path} gives no durations: put charades.json or Charades_v1_*.csv beside it")
    return {video: length for file in files for video, length in charades_text.read_durations(file).items()}

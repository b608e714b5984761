"""Any annotation file: its format found from its content, its rows made into queries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from emtm.data.annotations import captions_json, charades_text, flat_list, json_lines
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
        if not begins or "##" not in text:
            raise UserError(f"{path} holds no annotations" if not begins else f"{path} is in no known format")
        return "official text", charades_text.rows(path, text, _durations(path) if durations is None else durations)
    if path.suffix == ".jsonl" or _several_values(text):
        return "JSON lines", json_lines.rows(path, text)
    content: Any = parse_json(text, str(path))
    if isinstance(content, list):
        return "flattened list", flat_list.rows(path, content)
    if "qid" in content:
        return "JSON lines", json_lines.rows(path, text)
    rate = captions_json.counts_frames(content)
    unit = f"JSON, frames at {rate:g} a second" if rate else "JSON"
    return unit, captions_json.rows(path, content)


def _several_values(text: str) -> bool:
    """Whether the first line is JSON by itself and more follows."""
    first, _, rest = text.strip().partition("\n")
    if not rest:
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _durations(path: Path) -> dict[str, float]:
    files = charades_text.duration_files(path.parent)
    if not files:
        raise UserError(f"{path} gives no durations: put charades.json or Charades_v1_*.csv beside it")
    return {video: length for file in files for video, length in charades_text.read_durations(file).items()}

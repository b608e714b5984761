"""JSON lines of QVHighlights (Lei et al., NeurIPS 2021), the format that lighthouse gives every dataset.

Saliency scores and clip ids are highlight annotations and are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emtm.data.annotations.rows import Row, parse_json, seconds, text_of, video_of, window
from emtm.errors import UserError

_NEEDED = ("qid", "vid", "query", "duration")


def rows(path: Path, text: str) -> Iterator[Row]:
    """Annotations in the order of the file; one without windows has been kept secret by its authors."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        entry = parse_json(line, str(path), number)
        if not isinstance(entry, dict):
            raise UserError(f"{where}: not a JSON object")
        absent = [key for key in _NEEDED if key not in entry]
        if absent:
            raise UserError(f"{where}: lacks {', '.join(absent)}")
        windows = entry.get("relevant_windows")
        if windows is not None and (not isinstance(windows, list) or not windows):
            raise UserError(f"{where}: 'relevant_windows' is not a list of [start, end]")
        yield Row(
            where,
            video_of(entry["vid"], where),
            seconds(entry["duration"], where),
            None if windows is None else tuple(window(span, where) for span in windows),
            text_of(entry["query"], where),
            str(entry["qid"]),
        )

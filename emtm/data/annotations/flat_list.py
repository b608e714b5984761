"""Flattened lists `[video, duration, [start, end], sentence]` in seconds, one a query.

EMTM and KD_VMR keep their data so; TSGVZoo and VMRFrame add a running index, which is not used.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emtm.data.annotations.rows import Row, seconds, text_of, video_of, window
from emtm.errors import UserError


def rows(path: Path, content: list[Any]) -> Iterator[Row]:
    """Annotations in the order of the file."""
    for number, entry in enumerate(content):
        yield row(entry, f"{path}, entry {number}")


def row(entry: object, where: str) -> Row:
    """One annotation; raises UserError for anything else."""
    if not isinstance(entry, list) or len(entry) not in (4, 5):
        raise UserError(f"{where}: not of the form [video, duration, [start, end], sentence]")
    video, duration, span, sentence = entry[:4]
    return Row(
        where, video_of(video, where), seconds(duration, where), (window(span, where),), text_of(sentence, where)
    )

"""The official text files of Charades-STA (Gao et al., ICCV 2017), and the durations that they lack."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from emtm.data.annotations.rows import Row, parse_json, read_text, seconds, video_of
from emtm.data.records import video_name
from emtm.errors import UserError

DURATION_FILES = ("charades.json", "Charades_v1_train.csv", "Charades_v1_test.csv")


def rows(path: Path, text: str, durations: Mapping[str, float]) -> Iterator[Row]:
    """Lines `VIDEO START END##sentence`, times in seconds."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        head, separator, sentence = line.partition("##")
        parts = head.split()
        if not separator or len(parts) != 3:
            raise UserError(f"{where}: not of the form 'VIDEO START END##sentence'")
        video_id, start, end = video_of(parts[0], where), *parts[1:]
        if video_id not in durations:
            raise UserError(f"{where}: the duration of video '{video_id}' is unknown")
        yield Row(where, video_id, durations[video_id], ((seconds(start, where), seconds(end, where)),), sentence)


def duration_files(folder: Path) -> tuple[Path, ...]:
    """The files in `folder` that give durations: `charades.json` or, without it, the official CSV files."""
    found = [folder / name for name in DURATION_FILES if (folder / name).is_file()]
    return tuple(found[:1] if found and found[0].suffix == ".json" else found)


def read_durations(path: Path) -> dict[str, float]:
    """Seconds of every video in `charades.json` or in a `Charades_v1_*.csv` (column `length`)."""
    text = read_text(path)
    if path.suffix == ".csv":
        table = csv.DictReader(io.StringIO(text))
        return {
            video_name(row["id"]): _length(row.get("length"), f"{path}, line {table.line_num}")
            for row in _named(table, path)
        }
    content = parse_json(text, str(path))
    if not isinstance(content, dict):
        raise UserError(f"{path} is not a JSON object of videos")
    entries = ((video, entry.get("duration") if isinstance(entry, dict) else None) for video, entry in content.items())
    return {video_name(video): _length(value, f"{path}, video '{video}'") for video, value in entries}


def _named(table: csv.DictReader[str], path: Path) -> csv.DictReader[str]:
    if not {"id", "length"} <= set(table.fieldnames or ()):
        raise UserError(f"{path} has no columns 'id' and 'length'")
    return table


def _length(value: object, where: str) -> float:
    if value is None:
        raise UserError(f"{where}: no duration")
    return seconds(value, where)

"""One annotation as it stands in a file, and the errors that name the place."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emtm.data.disguises import disguise
from emtm.data.records import video_name
from emtm.errors import UserError
from emtm.memory import check_memory

Window = tuple[float, float]

_SHOWN = 40
_HELD = 4
"""Times its size that a file takes, at the least."""


@dataclass(frozen=True, slots=True)
class Row:
    """One sentence of a file; times in seconds, nothing mended yet."""

    where: str
    """File and line, or file and entry."""
    video_id: str
    duration_s: float
    windows: tuple[Window, ...] | None
    """None where the file gives none, as in a test split kept secret."""
    sentence: str
    query_id: str | None = None
    """The file's own; None lets it follow from the video and the order."""


def seconds(value: object, where: str) -> float:
    """A finite number; raises UserError that says where there is none."""
    try:
        number = float("nan") if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not abs(number) < float("inf"):
        raise UserError(f"{where}: '{str(value)[:_SHOWN]}' is not a time in seconds")
    return number


def window(value: object, where: str) -> Window:
    """A pair of times."""
    if not isinstance(value, list) or len(value) != 2:
        raise UserError(f"{where}: '{value}' is not [start, end]")
    return seconds(value[0], where), seconds(value[1], where)


def text_of(value: object, where: str) -> str:
    """A sentence or an id."""
    if not isinstance(value, str):
        raise UserError(f"{where}: '{value}' is not text")
    return value


def video_of(value: object, where: str) -> str:
    """Id of a video: TACoS carries the suffix of the file in some formats and lacks it in others."""
    return video_name(text_of(value, where))


def read_text(path: Path) -> str:
    """Content of a UTF-8 file; raises UserError that says what the file is instead, or that it does not fit."""
    try:
        # Its bytes and its characters are there at once, and its queries beside them.
        check_memory(_HELD * path.stat().st_size, f"reading {path}")
        text = path.read_text(encoding="utf-8-sig")
    except OSError:
        raise UserError(f"{path} is {found}" if (found := disguise(path)) else f"cannot read {path}") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes().count(b"\n", 0, error.start) + 1
        raise UserError(f"{path} is {disguise(path) or f'not UTF-8 text (line {line})'}") from None
    found = disguise(path) if text else None
    if found:
        raise UserError(f"{path} is {found}")
    return text


def lines_of(text: str) -> Iterator[str]:
    """What `split("\\n")` gives, one at a time: a large file's lines are not all there beside its text."""
    begin = 0
    while (end := text.find("\n", begin)) >= 0:
        yield text[begin:end]
        begin = end + 1
    yield text[begin:]


def parse_json(text: str, where: str, line: int | None = None) -> Any:
    """Parsed JSON of a file, or of one `line` of it.

    Raises:
        UserError: it is broken, which is said with line and column, or an object has a key twice.
    """
    place = where if line is None else f"{where}, line {line}"

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            key = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
            raise UserError(f"{place}: '{key}' comes twice in one JSON object")
        return found

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        at = f"line {(line or 1) + error.lineno - 1}, column {error.colno}"
        raise UserError(f"{where}, {at}: not JSON ({error.msg})") from None
    except ValueError:  # Python reads no integer of thousands of digits
        raise UserError(f"{place}: not JSON (a number is too long)") from None
    except RecursionError:
        raise UserError(f"{place} is nested too deeply") from None

"""One annotation as it stands in a file, and the errors that name the place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emtm.errors import UserError

Window = tuple[float, float]


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
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if not abs(number) < float("inf"):
        raise UserError(f"{where}: '{value}' is not a time in seconds")
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


def video_name(value: object, where: str) -> str:
    """Id of a video: TACoS carries the suffix of the file in some formats and lacks it in others."""
    return text_of(value, where).removesuffix(".avi")


def read_text(path: Path) -> str:
    """Content of a UTF-8 file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError:
        raise UserError(f"cannot read {path}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text") from None


def parse_json(text: str, where: str, first_line: int = 1) -> Any:
    """Parsed JSON; raises UserError with line and column where it is broken."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {first_line + error.lineno - 1}, column {error.colno}"
        raise UserError(f"{where}, {place}: not JSON ({error.msg})") from None
    except RecursionError:
        raise UserError(f"{where} is nested too deeply") from None

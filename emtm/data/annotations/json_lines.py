"""Annotations as JSON objects, one a line or all in one array, or as an object of them by id.

QVHighlights (Lei et al., NeurIPS 2021) has lines, the format that lighthouse gives every dataset; TVR has lines with
other names; MAD (Soldan et al., CVPR 2022) an object of annotations by id. `emtm.data.annotations.objects` has the
names. Lines may also be flattened lists. Saliency scores and clip ids are highlight annotations and are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emtm.data.annotations import flat_list, objects
from emtm.data.annotations.rows import Row, lines_of, parse_json


def rows(path: Path, text: str) -> Iterator[Row]:
    """Annotations in the order of the lines."""
    for number, line in enumerate(lines_of(text), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        entry = parse_json(line, str(path), number)
        yield flat_list.row(entry, where) if isinstance(entry, list) else objects.row(entry, where)


def array(path: Path, content: list[Any]) -> Iterator[Row]:
    """Annotations in the order of an array."""
    for number, entry in enumerate(content):
        yield objects.row(entry, f"{path}, entry {number}")


def by_id(path: Path, content: dict[str, Any]) -> Iterator[Row]:
    """Annotations of an object, whose keys are their ids."""
    for name, entry in content.items():
        yield objects.row(entry, f"{path}, entry '{name}'", name)

"""The history of a run: a line for every whole epoch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from emtm.errors import UserError
from emtm.files import parse_json
from emtm.metrics.means import Percent
from emtm.training import runs
from emtm.training.manifest import check


class Validation(TypedDict):
    """Accuracy on the validation split, in percent."""

    r1: Percent
    miou: float


class Epoch(TypedDict):
    """One line of the history."""

    epoch: int
    loss: dict[str, float]
    """Mean over the steps of the total and of each term."""
    val: Validation
    seconds: float


def best_epoch(history: Sequence[Epoch]) -> int:
    """The first epoch with the highest validation mIoU; -1 before there is one."""
    return max(range(len(history)), key=lambda epoch: history[epoch]["val"]["miou"], default=-1)


def read_history(path: Path) -> list[Epoch]:
    """Whole epochs that the run at `path` has behind it; none if there is no such run yet.

    Raises:
        UserError: the file is damaged, or has changed since it was written.
    """
    file = path / runs.HISTORY
    if not file.exists():
        return []
    check(file)
    try:
        return checked_history([parse_json(line) for line in file.read_text("utf-8").splitlines()])
    except ValueError:
        raise UserError(f"{file} is damaged") from None


def checked_history(stored: Any) -> list[Epoch]:
    """What JSON says is a history; ValueError where it is none."""
    if not isinstance(stored, list) or not all(map(_is_epoch, stored)):
        raise ValueError("not a history")
    return stored


def _is_epoch(line: Any) -> bool:
    if not isinstance(line, dict) or not isinstance(line.get("seconds"), int | float):
        return False
    return isinstance(line.get("val"), dict) and runs.are_accuracies(line["val"])


def history_text(history: Sequence[Epoch]) -> str:
    """All lines, as the file has them."""
    return "".join(json.dumps(epoch) + "\n" for epoch in history)

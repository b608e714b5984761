"""Whose soft labels a run learned from, as its ``run.json`` says once the labels are gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from emtm.config import check_fields
from emtm.data.soft_labels import SoftLabelFile, SoftLabels


@dataclass(frozen=True, slots=True)
class Teacher:
    """One teacher, by what it was and what it said."""

    name: str
    """Registered name of its model, or of the control in its place."""
    labels_sha256: str
    """Of the content of its soft labels."""
    config_hash: str | None = None
    """`none` where no model was trained; None in runs that did not note it."""
    weights_sha256: str | None = None
    """As `config_hash`."""
    seed: int | None = field(default=None, metadata={"minimum": 0})


def teachers_of(labels: Iterable[SoftLabels]) -> tuple[Teacher, ...]:
    """Those that wrote soft labels, in their order."""
    return tuple(
        Teacher(file.info.teacher, file.sha256, file.info.config_hash, file.info.weights_sha256, file.info.seed)
        for file in labels
    )


def read_teachers(stored: Mapping[str, Any], labels: Iterable[SoftLabelFile]) -> tuple[Teacher, ...]:
    """Teachers in the JSON of a run that learned from `labels`; earlier runs say of them no more than the labels do.

    Raises KeyError, TypeError or ValueError for fields missing or unfit, and for teachers of other labels.
    """
    known = tuple(Teacher(file.teacher, file.sha256) for file in labels)
    if "teachers" not in stored:
        return known
    names = [entry.name for entry in fields(Teacher)]
    found = tuple(Teacher(**{name: teacher[name] for name in names}) for teacher in stored["teachers"])
    for teacher in found:
        check_fields(teacher)
    if [(one.name, one.labels_sha256) for one in found] != [(one.name, one.labels_sha256) for one in known]:
        raise ValueError("its teachers are not those of its soft labels")
    return found

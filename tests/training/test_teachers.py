"""What the JSON of a run says of its teachers, and what is made of one that says nothing, or something else."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from emtm.data.soft_labels import SoftLabelFile
from emtm.training.teachers import Teacher, read_teachers

LABELS = [SoftLabelFile("a.h5", "seqpan", "a" * 64), SoftLabelFile("b.h5", "vslnet", "b" * 64)]
TEACHERS = tuple(Teacher(file.teacher, file.sha256, "config", "weights", 0) for file in LABELS)
STORED = [dataclasses.asdict(teacher) for teacher in TEACHERS]


def test_what_is_stored_is_read() -> None:
    assert read_teachers({"teachers": STORED}, LABELS) == TEACHERS
    assert read_teachers({"teachers": []}, []) == ()


def test_of_earlier_runs_no_more_is_known_than_their_labels_say() -> None:
    assert read_teachers({}, LABELS) == (Teacher("seqpan", "a" * 64), Teacher("vslnet", "b" * 64))
    assert read_teachers({}, []) == ()


@pytest.mark.parametrize(
    "stored",
    [
        [],
        STORED[::-1],
        [*STORED, STORED[0]],
        [STORED[0], {**STORED[1], "labels_sha256": "c" * 64}],
        [STORED[0], {**STORED[1], "weights_sha256": 3}],
        [STORED[0], {**STORED[1], "seed": -1}],
        [STORED[0], {"name": "vslnet"}],
        None,
    ],
)
def test_teachers_of_other_labels_or_with_unfit_fields_are_refused(stored: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_teachers({"teachers": stored}, LABELS)

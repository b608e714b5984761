"""What made a trained model, as its run directory says: enough to train it again, and to know its teachers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping

from bench.missing import ABSENT, Json, or_missing
from bench.record import Provenance, TeacherRecord
from emtm.contract import Preset
from emtm.errors import UserError
from emtm.registry import preset
from emtm.training.spec import RunSpec
from emtm.training.teachers import Teacher

_NOT_NOTED = "the run was trained before this was noted"


def provenance(spec: RunSpec, teachers: Iterable[Teacher]) -> Provenance:
    """Of a run that was so planned, and learned from these."""
    return Provenance(
        preset=spec.preset,
        settings=_assignments(_settings(spec)),
        recipe=_assignments(_plain(spec.recipe)),
        annotated=ABSENT if spec.data.annotated is None else spec.data.annotated.title,
        teachers=tuple(map(_teacher, teachers)),
    )


def _settings(spec: RunSpec) -> dict[str, Json]:
    """Settings of model and recipe that are not the preset's; all of them where there is no such preset now."""
    mine = _plain(spec.config) | _plain(spec.recipe)
    try:
        usual: Preset = preset(spec.model, spec.data.name, spec.preset)
    except UserError:
        return mine
    theirs = _plain(usual.config) | _plain(usual.recipe)
    return {name: value for name, value in mine.items() if name not in theirs or theirs[name] != value}


def _teacher(teacher: Teacher) -> TeacherRecord:
    return TeacherRecord(
        name=teacher.name,
        config_hash=or_missing(teacher.config_hash, _NOT_NOTED),
        weights_sha256=or_missing(teacher.weights_sha256, _NOT_NOTED),
        labels_sha256=teacher.labels_sha256,
        seed=or_missing(teacher.seed, _NOT_NOTED),
    )


def _plain(config: object) -> dict[str, Json]:
    """Fields of a dataclass as JSON has them."""
    assert dataclasses.is_dataclass(config) and not isinstance(config, type)
    values: dict[str, Json] = json.loads(json.dumps(dataclasses.asdict(config)))
    return values


def _assignments(values: Mapping[str, Json]) -> tuple[str, ...]:
    """As `--set` takes them."""
    return tuple(f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in values.items())

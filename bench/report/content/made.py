"""How trained models came about, in words and for programs: whose labels they learned from, and the recipe."""

from __future__ import annotations

from bench.codec import encode
from bench.missing import Json, Missing, known, known_of
from bench.record import Provenance, TeacherRecord
from bench.report.content.seeds import Trained

NOT_SAID = Missing("the run file does not say how it was trained")


def teachers(model: Trained) -> str | Missing:
    """Their names, in their order; `none` of a model that was trained alone."""
    found = known(model.provenance)
    if found is None:
        return NOT_SAID
    return ", ".join(teacher.name for teacher in found.teachers) or "none"


def hashes(model: Trained) -> str:
    """Weights and soft labels of all teachers of all seeds; empty where there are none."""
    made = known_of(case.model.provenance for case in model.cases)
    return "; ".join(dict.fromkeys(_hashes(teacher) for one in made for teacher in one.teachers))


def recipe(model: Trained) -> str | Missing:
    """The preset, and what differs from it."""
    found = known(model.provenance)
    return NOT_SAID if found is None else ", ".join((found.preset, *found.settings, *_annotated(found)))


def document(model: Trained) -> dict[str, Json]:
    """Names and recipe, and all that is known of each seed."""
    told = teachers(model), recipe(model)
    if isinstance(told[0], Missing) or isinstance(told[1], Missing):
        return {"teachers": None, "recipe": None, "reason": NOT_SAID.reason}
    made = known_of(case.model.provenance for case in model.cases)
    return {"teachers": told[0], "recipe": told[1], "provenance": [encode(one) for one in made]}


def _hashes(teacher: TeacherRecord) -> str:
    weights = known(teacher.weights_sha256)
    of_weights = "" if weights is None else f"weights {weights:.12}, "
    return f"{teacher.name} ({of_weights}soft labels {teacher.labels_sha256:.12})"


def _annotated(found: Provenance) -> tuple[str, ...]:
    annotated = known(found.annotated)
    return () if annotated is None else (f"annotated: {annotated}",)

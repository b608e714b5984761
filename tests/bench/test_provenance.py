"""What made a row is in the run file, in the accuracy table beside it, and in what programs read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.codec import encode
from bench.missing import Missing, known
from bench.provenance import provenance
from bench.report.content import made
from bench.report.content.content import Content
from bench.report.sections.tradeoff import accuracy_tables
from emtm.data.annotated import AnnotatedPart
from emtm.training.spec import DataSource, plan
from emtm.training.teachers import Teacher
from tests.report.conftest import Doc, content_of, doc, example_doc
from tests.report.test_tables import cell

__all__ = ["doc", "example_doc"]
TEACHERS = (Teacher("seqpan", "a" * 64, "config", "b" * 64, 4), Teacher("vslnet", "c" * 64))
TABLE = "synth-charades (synthetic)"


def provenance_of(*settings: str, teachers: Sequence[Teacher] = TEACHERS, data: DataSource | None = None) -> Any:
    spec = plan("emtm", data or DataSource("smoke"), "compact", list(settings), 1)
    return encode(provenance(spec, teachers))


def test_settings_are_those_that_the_preset_has_not_and_the_recipe_is_whole() -> None:
    found = provenance_of("epochs=7", "soft_weight=0.5", "patience=null", "aggregation=uniform", "learning_rate=0.001")
    assert found["preset"] == "compact"
    assert set(found["settings"]) == {"epochs=7", "soft_weight=0.5", "patience=null", "aggregation=uniform"}
    again = plan("emtm", DataSource("smoke"), "compact", [s for s in found["recipe"] if s != "epochs=7"], 1)
    assert again.recipe == plan("emtm", DataSource("smoke"), "compact", ["patience=null"], 1).recipe
    assert provenance_of()["settings"] == []


def test_teachers_stand_in_their_order_and_what_was_not_noted_has_a_reason() -> None:
    first, second = provenance_of()["teachers"]
    assert (first["name"], first["weights_sha256"], first["labels_sha256"], first["seed"]) == (
        *("seqpan", "b" * 64),
        *("a" * 64, 4),
    )
    assert (second["weights_sha256"], second["labels_sha256"]) == (None, "c" * 64)
    assert second["weights_sha256_reason"] == "the run was trained before this was noted"


def test_part_of_the_annotation_is_told() -> None:
    assert "annotated" not in provenance_of()
    data = DataSource("smoke", annotated=AnnotatedPart(0.25, 1))
    assert provenance_of(data=data)["annotated"] == "25 % of the videos, draw 1"


def told(doc: Doc, **by_model: Any) -> Content:
    for case in doc["cases"]:
        if case.get("quality") and (found := by_model.get(case["model"]["name"].replace("-", "_"))):
            case["model"]["provenance"] = found
    return content_of(doc)


def test_the_accuracy_table_names_teachers_and_recipe(doc: Doc) -> None:
    taught, alone = provenance_of("epochs=7"), provenance_of(teachers=())
    found = told(doc, emtm_student=taught, seqpan=alone)
    tables = accuracy_tables(found)
    teachers = cell(tables, TABLE, "emtm-student", "Teachers")
    assert teachers.text == "seqpan, vslnet"
    weights, first, second = "b" * 12, "a" * 12, "c" * 12
    said = f"taught by seqpan (weights {weights}, soft labels {first}); vslnet (soft labels {second})"
    assert teachers.note == said
    assert cell(tables, TABLE, "emtm-student", "Recipe").text == "compact, epochs=7"
    assert cell(tables, TABLE, "seqpan", "Teachers").text == "none"
    assert cell(tables, TABLE, "seqpan", "Recipe").text == "compact"
    unknown = cell(tables, TABLE, "vslnet", "Teachers")
    assert (unknown.text, unknown.note) == ("—", "the run file does not say how it was trained")
    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.headers)}


def test_runs_that_say_nothing_have_no_such_columns(doc: Doc) -> None:
    assert all("Teachers" not in table.headers for table in accuracy_tables(content_of(doc)))


def test_programs_read_each_seeds_own(doc: Doc) -> None:
    taught = provenance_of("epochs=7")
    contest = next(c for c in told(doc, emtm_student=taught).contests if c.title == TABLE)
    by_name = {entry.label: made.document(entry.model) for entry in contest.entries}
    student = by_name["emtm-student"]
    assert (student["teachers"], student["recipe"]) == ("seqpan, vslnet", "compact, epochs=7")
    assert student["provenance"] == [taught] * len(student["provenance"])
    assert by_name["vslnet"] == {
        "teachers": None,
        "recipe": None,
        "reason": "the run file does not say how it was trained",
    }


def test_students_of_other_teachers_are_no_seeds_of_one_model(doc: Doc) -> None:
    seeds = [case for case in doc["cases"] if case.get("quality") and case["model"]["name"] == "emtm-student"]
    seeds = [case for case in seeds if case["quality"]["dataset"] == "synth-charades"]
    assert len(seeds) > 1
    together = [model for model in content_of(doc).trained if model.identity.name == "emtm-student"]
    for case in seeds:
        case["model"]["provenance"] = provenance_of()
    seeds[0]["model"]["provenance"] = provenance_of(teachers=TEACHERS[:1])
    apart = [model for model in content_of(doc).trained if model.identity.name == "emtm-student"]
    assert len(apart) == len(together) + 1
    assert {known(made.teachers(m)) for m in apart if not isinstance(m.provenance, Missing)} == {
        "seqpan",
        "seqpan, vslnet",
    }

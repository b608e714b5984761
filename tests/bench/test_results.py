from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bench import results
from bench.cases import Broken, Matrix
from bench.codec import MalformedError, decode, encode
from bench.lab import Lab
from bench.missing import ABSENT, Block, Missing
from bench.profiles import PROFILES
from bench.record import Energy, Noise, Training
from bench.results import Doc
from bench.run import Run
from emtm.errors import UserError
from tests.bench.toy import toy_case


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    case = toy_case()
    matrix = Matrix((case,), (Broken("gone", "gone", "tacos", "ImportError: no"),))
    lab = Lab(matrix, PROFILES["smoke"], tmp_path_factory.mktemp("root"), argv=("pytest", "bench/"))
    lab.add(case, Energy(joules_per_query=Missing("no counter"), source="none"))
    return lab.run()


@pytest.fixture
def doc(run: Run) -> Doc:
    return json.loads(json.dumps(encode(run)))


def test_round_trip(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.json"
    results.write_run(run, path)
    assert encode(results.read_run(path)) == encode(run)
    assert [p.name for p in path.parent.iterdir()] == ["run.json"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_fields_of_later_minor_versions_are_kept(doc: Doc, tmp_path: Path) -> None:
    doc["cases"][0]["later_minor_field"] = {"kept": 1}
    results.write_run(decode(Run, doc), tmp_path / "run.json")
    assert results.read_document(tmp_path / "run.json") == doc


def test_a_run_that_cannot_be_written_is_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        results.write_run(run, tmp_path / "file" / "run.json")


@pytest.mark.parametrize(
    ("block", "error", "message"),
    [
        (Noise(verdict="quiet", nvcsw="many"), MalformedError, "noise.nvcsw is 'many'"),  # type: ignore[arg-type]
        (Noise(verdict="loud"), MalformedError, "noise.verdict is 'loud'"),  # type: ignore[arg-type]
        (Energy(joules_per_query=-1.0, source="rapl"), results.SchemaInvalidError, "less than the minimum"),
        (Energy(joules_per_query=Missing("", "bare"), source="none"), results.SchemaInvalidError, "without a reason"),
        (Energy(joules_per_query=1.0, source=Path("x")), TypeError, "no place in a run file"),  # type: ignore[arg-type]
        (Training(step_s=float("nan"), samples_per_s=1.0), MalformedError, "training.step_s is null"),
    ],
)
def test_an_unsound_block_is_refused_before_it_is_merged(
    block: Block, error: type[Exception], message: str, tmp_path: Path
) -> None:
    case = toy_case()
    lab = Lab(Matrix((case,), ()), PROFILES["smoke"], tmp_path, argv=("pytest", "bench/"))
    with pytest.raises(error, match=message):
        lab.add(case, Training(step_s=1.0, samples_per_s=1.0), block)
    assert lab.record(case).training == ABSENT
    assert results.read_run(lab.write(None)).cases[0].status == "ok"


def drop_cases(doc: Doc) -> None:
    del doc["cases"]


def unexplain(doc: Doc) -> None:
    del doc["cases"][0]["energy"]["joules_per_query_reason"]


def unexplain_failure(doc: Doc) -> None:
    doc["cases"][1]["reason"] = None


def duplicate(doc: Doc) -> None:
    doc["cases"].append(doc["cases"][0])


def negative(doc: Doc) -> None:
    names = ("total", "trainable", "frozen", "embedding", "buffers", "bytes", "unreachable")
    doc["cases"][0]["params"] = dict.fromkeys(names, -1)


def other_schema(doc: Doc) -> None:
    doc["schema"] = "other"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop_cases, "'cases' is a required property"),
        (unexplain, "joules_per_query is null without a reason"),
        (unexplain_failure, "cases.1.reason"),
        (duplicate, "more than once"),
        (negative, "less than the minimum"),
        (other_schema, "not an emtm-bench/result"),
    ],
)
def test_unsound_documents_are_refused(spoil: Callable[[Doc], None], message: str, doc: Doc, tmp_path: Path) -> None:
    results.validate(doc)
    spoil(doc)
    path = tmp_path / "run.json"
    path.write_text(json.dumps(doc))
    with pytest.raises(results.SchemaInvalidError, match=message) as caught:
        results.read_document(path)
    assert caught.value.exit_code == 7
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "\x00"])
def test_bad_json_is_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(UserError, match="not valid JSON"):
        results.read_document(path)
    with pytest.raises(UserError, match="cannot read"):
        results.read_document(tmp_path / "none.json")


RULES = (
    {"type": "number"},
    {"type": "string"},
    {"type": "number", "minimum": 0, "maximum": 1},
    {"type": "number", "exclusiveMinimum": 0},
    {"type": "integer", "minimum": 1},
)


@given(
    rule=st.sampled_from(RULES),
    values=st.lists(st.one_of(st.floats(-2, 2), st.integers(-2, 2), st.booleans(), st.none(), st.text(max_size=2))),
)
def test_the_short_way_through_lists_refuses_what_the_rule_refuses(rule: Doc, values: list[object]) -> None:
    schema = {"type": "array", "items": rule}
    expected = [error.message for error in Draft202012Validator(schema).iter_errors(values)]
    assert [error.message for error in results._Validator(schema).iter_errors(values)] == expected


def test_versions(doc: Doc, monkeypatch: pytest.MonkeyPatch) -> None:
    assert results.migrate({**doc, "schema_version": "1.7.0"})["schema_version"] == "1.7.0"
    with pytest.raises(results.SchemaInvalidError, match=r"2\.0\.0"):
        results.migrate({**doc, "schema_version": "2.0.0"})
    monkeypatch.setitem(results.MIGRATIONS, "0.9.0", lambda d: {**d, "schema_version": "1.0.0"})
    assert results.migrate({**doc, "schema_version": "0.9.0"}) == doc

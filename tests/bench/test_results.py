from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench import results
from bench.cases import Broken, Matrix
from bench.lab import Lab
from bench.profiles import PROFILES
from emtm.errors import UserError
from tests.bench.toy import toy_case


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    case = toy_case()
    matrix = Matrix((case,), (Broken("gone", "gone", "tacos", "ImportError: no"),))
    lab = Lab(matrix, PROFILES["smoke"], tmp_path_factory.mktemp("root"), argv=("pytest", "bench/"))
    lab.add(case, {"energy": {"joules_per_query": None, "source": "none", "reason": "no counter"}})
    return results.to_jsonable(lab.document())


@pytest.fixture
def doc(document: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(document)


def test_scalars_become_plain() -> None:
    found = results.to_jsonable(
        {"a": np.float32(1.5), "b": np.int64(2), "c": torch.tensor(3), "d": (np.bool_(True),), "e": [1, None]}
    )
    assert found == {"a": 1.5, "b": 2, "c": 3, "d": [True], "e": [1, None]}
    assert json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), np.float64("nan"), torch.tensor(float("-inf"))])
def test_what_is_not_finite_becomes_null_with_a_reason(bad: object) -> None:
    assert results.to_jsonable({"x": bad}) == {"x": None, "x_reason": "not a finite number"}
    assert results.to_jsonable({"x": [1.0, bad]}) == {"x": [1.0, None], "x_reason": "not a finite number"}
    with pytest.raises(ValueError, match="bare"):
        results.to_jsonable(bad)


@pytest.mark.parametrize("bad", [object(), {1, 2}, Path("x"), {1: 2}, np.zeros(3), torch.zeros(2)])
def test_anything_else_is_refused(bad: object) -> None:
    with pytest.raises(TypeError, match=r"value\.x"):
        results.to_jsonable({"x": bad})


def test_round_trip(doc: dict[str, Any], tmp_path: Path) -> None:
    doc["cases"][0]["later_minor_field"] = {"kept": 1}
    path = tmp_path / "deep" / "run.json"
    results.write_run(doc, path)
    assert results.read_document(path) == doc
    assert [p.name for p in path.parent.iterdir()] == ["run.json"]
    assert set(results.cases_by_id(doc)) == {c["case_id"] for c in doc["cases"]}


def test_nan_is_never_written(doc: dict[str, Any], tmp_path: Path) -> None:
    doc["env"]["volatile"]["load1_start"] = float("nan")
    with pytest.raises(ValueError, match="JSON compliant"):
        results.write_run(doc, tmp_path / "run.json")
    assert list(tmp_path.iterdir()) == []


def drop_cases(doc: dict[str, Any]) -> None:
    del doc["cases"]


def unexplain(doc: dict[str, Any]) -> None:
    del doc["cases"][0]["energy"]["reason"]


def unexplain_failure(doc: dict[str, Any]) -> None:
    doc["cases"][1]["reason"] = None


def duplicate(doc: dict[str, Any]) -> None:
    doc["cases"].append(doc["cases"][0])


def negative(doc: dict[str, Any]) -> None:
    names = ("total", "trainable", "frozen", "embedding", "buffers", "bytes", "unreachable")
    doc["cases"][0]["params"] = dict.fromkeys(names, -1)


def other_schema(doc: dict[str, Any]) -> None:
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
def test_unsound_documents_are_refused(spoil: Any, message: str, doc: dict[str, Any], tmp_path: Path) -> None:
    results.validate(doc)
    spoil(doc)
    path = tmp_path / "run.json"
    path.write_text(json.dumps(doc))
    with pytest.raises(results.SchemaInvalidError, match=message) as caught:
        results.read_document(path)
    assert caught.value.exit_code == 7
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[NaN]", "\x00"])
def test_bad_json_is_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(UserError, match="not valid JSON"):
        results.read_document(path)
    with pytest.raises(UserError, match="cannot read"):
        results.read_document(tmp_path / "none.json")


def test_versions(doc: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert results.migrate({**doc, "schema_version": "1.7.0"})["schema_version"] == "1.7.0"
    with pytest.raises(results.SchemaInvalidError, match=r"2\.0\.0"):
        results.migrate({**doc, "schema_version": "2.0.0"})
    monkeypatch.setitem(results.MIGRATIONS, "0.9.0", lambda d: {**d, "schema_version": "1.0.0"})
    assert results.migrate({**doc, "schema_version": "0.9.0"}) == doc


def test_explained_fills_only_what_lacks_a_reason() -> None:
    block = {"a": None, "b": {"c": None, "reason": "known"}, "d": None, "d_reason": "own"}
    assert results.explained(block, "why") == {**block, "a_reason": "why"}

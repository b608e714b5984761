"""The published weights are whole run directories: anybody can evaluate them, and finds what is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.cases import build_matrix
from bench.missing import known
from bench.profiles import PROFILES
from emtm.cli import app
from emtm.files import read_json
from emtm.training.manifest import sha256

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "reports" / "weights"
RUNS = sorted(file.parent for file in WEIGHTS.rglob("run.json"))
NAMES = [str(run.relative_to(WEIGHTS)) for run in RUNS]
LIMIT_BYTES = 3_000_000
LEARNED = 3.0
"""Points by which a floor that is learned may differ between processors: they differ in the last digits of products."""


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *texts(item))
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def test_those_of_the_main_job_are_there_and_small() -> None:
    assert {f"smoke/{name}" for name in ("emtm", "emtm-student", "seqpan", "vslnet")} <= set(NAMES)
    files = [file for file in WEIGHTS.rglob("*") if file.is_file()]
    assert {file.parent for file in files} == set(RUNS)
    assert sum(file.stat().st_size for file in files) < LIMIT_BYTES


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_every_file_is_that_of_the_training(run: Path) -> None:
    hashes = read_json(run / "manifest.json")["files"]
    files = {file.name: sha256(file) for file in run.iterdir() if file.name != "manifest.json"}
    assert set(files) == {"run.json", "vocabulary.json", "best.safetensors", "history.jsonl", "metrics.json"}
    assert {name: [digest] for name, digest in files.items()} == {name: hashes[name] for name in files}
    assert hashes.keys() - files.keys() <= {"last.safetensors", "branches.safetensors"}


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_nothing_names_a_place_on_the_machine_that_trained_it(run: Path) -> None:
    found = [text for file in run.glob("*.json") for text in texts(read_json(file))]
    assert found and not [text for text in found if Path(text).is_absolute()]


@pytest.mark.parametrize("name", ["smoke/emtm", "smoke/vslnet"])
def test_evaluating_them_finds_the_stored_metrics(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        app(["evaluate", str(WEIGHTS / name)])
    assert left.value.code == 0
    found, stored = json.loads(capsys.readouterr().out), read_json(WEIGHTS / name / "metrics.json")
    assert found["published"] == []
    assert found["weights_sha256"] == sha256(WEIGHTS / name / "best.safetensors")
    assert stored.pop("training")["epochs"] > 0
    # Floors that are learned are learned here, by another processor than then perhaps.
    learned = {key: (floors.pop("query_only"), floors.pop("video_only")) for key, floors in
               (("found", found["floors"]), ("stored", stored["floors"]))}  # fmt: skip
    for now, then in zip(learned["found"], learned["stored"], strict=True):
        assert now["r1"] == pytest.approx(then["r1"], abs=LEARNED) and now["miou"] == pytest.approx(
            then["miou"], abs=LEARNED
        )
    assert {key: found[key] for key in stored} == stored


@pytest.mark.parametrize(("name", "protocol"), [("emtm-student", "index"), ("seqpan", "timestamp")])
def test_what_both_protocols_say_of_them_is_what_is_committed(
    name: str, protocol: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        app(["evaluate", str(WEIGHTS / "smoke" / name), "--protocol", protocol])
    assert left.value.code == 0
    stored = read_json(ROOT / "reports" / "reference" / f"score-smoke-{name}-{protocol}.json")
    found = json.loads(capsys.readouterr().out)
    # Floors are of models that are trained here and now: their last digits belong to the processor.
    assert found.keys() == stored.keys()
    assert {key: found[key] for key in found if key != "floors"} == {
        key: stored[key] for key in stored if key != "floors"
    }


def test_a_run_file_names_the_teachers_by_the_weights_that_lie_beside() -> None:
    matrix = build_matrix(WEIGHTS / "smoke", PROFILES["smoke"])
    trained = {case.model: case.record().model for case in matrix.cases if case.run}
    assert set(trained) == {"emtm", "emtm-student", "seqpan", "vslnet"}
    made = {name: known(model.provenance) for name, model in trained.items()}
    assert all(one is not None and one.preset == "compact" and one.settings == () for one in made.values())
    taught = made.pop("emtm")
    assert taught is not None
    assert [(teacher.name, teacher.weights_sha256) for teacher in taught.teachers] == [
        (name, trained[name].weights_sha256) for name in ("seqpan", "vslnet")
    ]
    assert all(one is not None and one.teachers == () for one in made.values())

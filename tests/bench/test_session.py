"""The main job in a subprocess, on one case."""

from __future__ import annotations

import dataclasses
import gc
import json
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
from torch import Tensor

from bench import results, workbench
from bench.cases import Broken, Case, Matrix, build_matrix, paper_shape
from bench.codec import encode
from bench.execution import Backend, InvalidOutputError, Outputs
from bench.lab import CaseError, Lab, LeftOutError
from bench.measure import Measure, Timing
from bench.measures.latency import LATENCY
from bench.measures.memory import MEMORY
from bench.measures.static import STATIC
from bench.measures.throughput import THROUGHPUT
from bench.missing import Missing, known
from bench.profiles import PROFILES, RULE, Profile
from bench.record import Latency
from bench.workbench import Workbench
from emtm.contract import AnyModel
from emtm.errors import UserError
from emtm.registry import preset
from tests.bench.toy import toy_case
from tests.processes import outside_xdist

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_session_writes_one_valid_run_file(tmp_path: Path) -> None:
    run_file, own = tmp_path / "run.json", tmp_path / "pytest-benchmark.json"
    command = [
        *(sys.executable, "-m", "pytest", "bench/", "--benchmark-only", "-q", "--bench-profile", "smoke"),
        *("--runs", str(tmp_path / "none"), "--run-file", str(run_file), f"--benchmark-json={own}"),
        *("-p", "no:cacheprovider", "-k", "charades-sta and vslnet and not transformer"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=outside_xdist())
    assert done.returncode == 0, done.stdout + done.stderr
    run = results.read_run(run_file)
    assert str(run_file) in done.stdout
    cases = {case.case_id: case for case in run.cases}
    case = cases["vslnet|charades-sta|single_stream|cpu|fp32|eager|t1|b1|l128"]
    assert case.status == "ok"
    for name in ("params", "compute", "latency", "throughput", "memory", "energy", "reference", "noise"):
        assert not isinstance(getattr(case, name), Missing), name
    assert case.quality == Missing("the weights are random: accuracy would mean nothing")
    assert not isinstance(case.latency, Missing)
    assert len(case.latency.samples) >= 11
    assert not isinstance(case.repeats, Missing)
    assert {*case.repeats.processes, *(known(case.repeats.left_out) or ())} == {1, 2, 3, 4}
    assert 1 not in case.repeats.processes or case.repeats.medians[0] == case.latency.median
    carried = [benchmark["extra_info"]["emtm"] for benchmark in json.loads(own.read_text())["benchmarks"]]
    assert {record["case_id"] for record in carried} == set(cases)
    assert all(record == encode(cases[record["case_id"]]) for record in carried)


def test_xdist_is_refused() -> None:
    command = [sys.executable, "-m", "pytest", "bench/", "-n", "2", "--collect-only"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=outside_xdist())
    assert done.returncode == 4
    assert "leave -n out" in done.stderr


def test_without_models_there_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bench.cases.model_names", lambda: ())
    with pytest.raises(UserError, match="no model is installed"):
        build_matrix(tmp_path, PROFILES["smoke"])


def test_a_model_that_does_not_load_is_a_failed_case(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = preset

    def failing(name: str, dataset: str) -> object:
        if name == "vslnet":
            raise ImportError("no module")
        return known(name, dataset)

    monkeypatch.setattr("bench.cases.preset", failing)
    matrix = build_matrix(tmp_path, PROFILES["smoke"])
    assert {b.label for b in matrix.broken} == {"vslnet", "vslnet-transformer"}
    assert {b.record().status for b in matrix.broken} == {"failed"}
    monkeypatch.setattr("bench.cases.preset", lambda name, dataset: failing("vslnet", dataset))
    with pytest.raises(UserError, match="no model can be measured"):
        build_matrix(tmp_path, PROFILES["smoke"])


def test_a_dataset_without_a_published_configuration_is_not_in_the_matrix(tmp_path: Path) -> None:
    matrix = build_matrix(tmp_path, PROFILES["ci"])
    assert matrix.broken == ()
    known = {(case.label, case.dataset) for case in matrix.cases}
    assert ("cca", "tacos") in known
    assert ("cpl", "charades-sta") in known
    assert not known & {("cca", "charades-sta"), ("cpl", "tacos")}
    with pytest.raises(UserError, match="published configurations"):
        preset("cca", "charades-sta")


def test_case_ids_are_stable_and_unique(tmp_path: Path) -> None:
    ids = [case.case_id for case in build_matrix(tmp_path, PROFILES["ci"]).cases]
    assert len(ids) == len(set(ids))
    assert "emtm-student|charades-sta|single_stream|cpu|fp32|eager|t1|b1|l64" in ids
    assert "emtm-student|charades-sta|evaluation|cpu|fp32|eager|t2|b32|l64" in ids
    assert "seqpan|tacos|train_step|cpu|fp32|eager|t2|b16|l256" in ids
    assert "vslnet-transformer|tacos|single_stream|cpu|fp32|eager|t1|b1|l128" in ids


def test_paper_workloads_have_the_vocabulary_of_the_published_tables() -> None:
    shape = paper_shape("activitynet-captions", preset("emtm-student", "activitynet-captions").config)
    assert (shape.num_clips, shape.num_words, shape.num_chars) == (100, 25, 10)
    assert (shape.word_vocabulary, shape.char_vocabulary) == (11593, 55)


def raising(error: Exception | None) -> Measure:
    def start(bench: Workbench, case: Case) -> Timing:
        if error is not None:
            raise error
        return Timing(lambda: None, lambda: ())

    return Measure("latency", "single_stream", (Latency,), start)


def test_one_failing_case_leaves_the_others(tmp_path: Path) -> None:
    good, bad, unsound = toy_case(), toy_case(label="bad"), toy_case(label="unsound")
    lab = Lab(Matrix((good, bad, unsound), ()), PROFILES["smoke"], tmp_path, ("pytest",))
    lab.measure(good, raising(None))
    with pytest.raises(CaseError, match="latency: RuntimeError: boom"):
        lab.measure(bad, raising(RuntimeError("boom")))
    with pytest.raises(CaseError):
        lab.measure(bad, raising(RuntimeError("later")))
    with pytest.raises(CaseError):
        lab.measure(unsound, raising(InvalidOutputError("the output is not finite")))
    run = results.read_run(lab.write(None))
    assert [(case.status, known(case.reason)) for case in run.cases] == [
        ("ok", None),
        ("failed", "latency: RuntimeError: boom"),
        ("invalid", "the output is not finite"),
    ]
    assert len(lab.problems) == 2
    assert lab.measured


def dear(profile: str, **limits: float) -> Profile:
    known = PROFILES[profile]
    return dataclasses.replace(known, limits=dataclasses.replace(known.limits, **limits))


def test_a_model_above_the_limit_is_counted_and_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = build_matrix(tmp_path, PROFILES["smoke"]).of("single_stream")
    case = next(case for case in cases if case.label == "vslnet" and case.place == 0)
    profile = dear("smoke", run_macs=1e3, crosscheck_macs=1e3)
    lab = Lab(Matrix((case,), ()), profile, tmp_path, ("pytest",))
    lab.measure(case, STATIC)
    counts = lab.bench.static(case)
    monkeypatch.setattr("bench.workbench.build_model", lambda *_: pytest.fail("the model was built"))
    for measure in (LATENCY, THROUGHPUT, MEMORY):
        with pytest.raises(LeftOutError):
            lab.measure(case, measure)
    run = results.read_run(lab.write(None))
    (record,) = run.cases
    assert record.status == "ok"
    assert counts.compute.macs > 1e6
    assert counts.params.total > 1e6
    assert (record.params, record.compute) == (counts.params, counts.compute)
    assert isinstance(counts.crosscheck.fvcore_macs, Missing)
    assert "over the limit" in counts.crosscheck.fvcore_macs.reason
    for block in (record.latency, record.reference, record.energy, record.noise, record.throughput, record.memory):
        assert isinstance(block, Missing)
        assert "profile smoke runs models of up to" in block.reason
    assert run.suite.budget == {"rule": RULE, **dataclasses.asdict(profile.limits)}
    assert lab.problems == []


def test_one_model_is_held_at_a_time_and_checked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    checked: list[int] = []
    make, check = workbench._build, workbench.deviation

    def counting_build(case: Case) -> AnyModel:
        built.append(case.label)
        return make(case)

    def counting_check(found: Outputs, whole: Tensor, backend: Backend) -> float:
        checked.append(len(built))
        return check(found, whole, backend)

    monkeypatch.setattr(workbench, "_build", counting_build)
    monkeypatch.setattr(workbench, "deviation", counting_check)
    matrix = build_matrix(tmp_path, PROFILES["smoke"])
    named = [c for c in matrix.cases if c.label == "emtm-student" and c.dataset == "charades-sta"]
    # From a video it takes wider features, and is another model; another backend is checked by itself.
    student = [c for c in named if c.video is None and c.execution.backend == "eager"]
    other = next(c for c in matrix.cases if c.label == "vslnet")
    assert {c.scenario for c in student} == {"single_stream", "train_step", "evaluation"}
    bench = Workbench(PROFILES["smoke"])
    first = weakref.ref(bench.model(student[0]))
    for case in student:
        assert bench.model(case) is first()
        assert bench.call_s(case) > 0
    bench.model(other)
    gc.collect()
    assert first() is None
    assert (built, checked) == (["emtm-student", "vslnet"], [1, 2])


def test_broken_cases_are_in_the_run_file(tmp_path: Path) -> None:
    lab = Lab(Matrix((), (Broken("x", "x", "tacos", "ImportError: no"),)), PROFILES["smoke"], tmp_path, ("pytest",))
    path = lab.write(tmp_path / "run.json")
    (case,) = results.read_run(path).cases
    assert (case.status, case.reason, case.model.config_hash) == (
        "failed",
        "ImportError: no",
        Missing("ImportError: no"),
    )
    assert not lab.measured

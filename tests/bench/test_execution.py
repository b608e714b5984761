"""The seam: one file more is one way of running more, checked against the model and measured like the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from bench import backends as package
from bench import results
from bench.backends import backend, backends, executions
from bench.backends.eager import EAGER, whole
from bench.cases import Case, Matrix, build_matrix
from bench.execution import CPU, Execution, InvalidOutputError, Outputs, deviation
from bench.lab import CaseError, Lab
from bench.measures import measures
from bench.missing import ABSENT, Missing, known, of
from bench.profiles import PROFILES
from bench.record import CaseRecord
from bench.subjects import make_batch
from emtm.errors import UserError
from tests.bench.toy import CONFIG, SHAPE, Toy, toy, toy_case, toy_runner

ONE_GRAPH = '''
"""The model's own forward pass, in one piece."""

import torch

from bench.execution import Backend, Outputs, Runner, UnavailableError
from bench.missing import Missing

SHIFT, HERE = 0.0, True


def build(model, execution, example):
    if not HERE:
        raise UnavailableError("one-graph needs a package that is not installed")

    def outputs(batch):
        with torch.inference_mode():
            output = model(batch)
            span = model.span_distribution(output) + SHIFT
            return Outputs(span, model.moments(output, batch.duration_s))

    return Runner(
        call=lambda batch: outputs(batch).moments,
        outputs=outputs,
        place=lambda batch: batch.to(execution.device.name),
        staged=Missing("one graph has no stages"),
        parts=Missing("one graph takes video and query together"),
        held=Missing("one graph allocates where torch does not see it"),
    )


ONE_GRAPH = Backend("one-graph", lambda device: ("float32",), build, tolerance=1e-3, title="the graph")
'''
NAME = "bench.backends.one_graph"
SMOKE = PROFILES["smoke"]
Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a file among those of `bench/backends/`."""
    folder = tmp_path_factory.mktemp("backends")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])

    def install(text: str) -> None:
        (folder / "one_graph.py").write_text(text)

    yield install
    sys.modules.pop(NAME, None)


def measured(case: Case, root: Path) -> CaseRecord:
    """The record of a case in a run file, after every measure that applies to it."""
    lab = Lab(Matrix((case,), ()), SMOKE, root, ("pytest",))
    for measure in measures():
        if measure.applies(case):
            try:
                lab.measure(case, measure)
            except CaseError:
                continue
    (record,) = results.read_run(lab.write(None)).cases
    return record


def graph_case(scenario: str = "single_stream") -> Case:
    return toy_case(execution=Execution(backend="one-graph"), scenario=scenario)


def test_a_file_that_is_put_there_joins_the_matrix(install: Install, tmp_path: Path) -> None:
    before = {case.case_id for case in build_matrix(tmp_path, SMOKE).cases}
    install(ONE_GRAPH)
    assert {known.name for known in backends()} >= {"eager", "one-graph"}
    assert backends()[0] is EAGER
    assert Execution(backend="one-graph") in executions()
    after = build_matrix(tmp_path, SMOKE).cases
    added = {case.case_id for case in after} - before
    single = {case_id for case_id in before if "|single_stream|" in case_id and "|eager|" in case_id}
    assert added == {case_id.replace("|eager|", "|one-graph|") for case_id in single}
    assert {case.case_id for case in after} > before


def test_it_is_checked_and_measured_like_the_others(install: Install, toys: None, tmp_path: Path) -> None:
    install(ONE_GRAPH)
    record, eager = measured(graph_case(), tmp_path / "graph"), measured(toy_case(), tmp_path / "eager")
    assert record.status == eager.status == "ok"
    assert record.case_id == eager.case_id.replace("|eager|", "|one-graph|")
    assert (record.execution.backend, eager.execution.backend) == ("one-graph", "eager")
    assert (record.params, record.compute) == (eager.params, eager.compute)
    assert of(record.latency, lambda latency: latency.by_stage) == Missing("one graph has no stages")
    assert record.memory == Missing("one graph allocates where torch does not see it")
    assert (known(of(record.throughput, lambda throughput: throughput.value)) or 0) > 0
    assert 0 <= (known(record.execution.span_deviation) or 0.0) <= 1e-3
    assert not isinstance(record.execution.span_deviation, Missing)
    assert eager.execution.span_deviation == ABSENT


def test_what_needs_a_kept_video_says_that_there_is_none(install: Install, toys: None, tmp_path: Path) -> None:
    install(ONE_GRAPH)
    record = measured(graph_case("evaluation"), tmp_path)
    assert (record.status, record.evaluation) == ("ok", Missing("one graph takes video and query together"))


def test_another_output_is_never_timed(install: Install, toys: None, tmp_path: Path) -> None:
    install(ONE_GRAPH.replace("SHIFT, HERE = 0.0", "SHIFT, HERE = 0.25"))
    record = measured(graph_case(), tmp_path)
    assert record.status == "invalid"
    assert record.reason == "the graph and forward differ by 0.25 in span probability"
    assert isinstance(record.latency, Missing)


def test_a_backend_that_is_not_installed_leaves_the_case_sound(install: Install, toys: None, tmp_path: Path) -> None:
    install(ONE_GRAPH.replace("True", "False"))
    record, reason = measured(graph_case(), tmp_path), Missing("one-graph needs a package that is not installed")
    assert (record.status, record.latency, record.memory, record.throughput) == ("ok", reason, reason, reason)
    assert not isinstance(record.compute, Missing)


def test_an_unknown_backend_names_the_nearest() -> None:
    with pytest.raises(UserError, match="eager"):
        backend("eagre")


def test_an_execution_names_its_part_of_the_case_id() -> None:
    assert Execution().name == "cpu|fp32|eager|t1"
    assert Execution(CPU, 8, "bfloat16", "compiled").name == "cpu|bf16|compiled|t8"
    assert Execution(threads=2).record("train").threads == 2


def test_unsound_models_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = toy(), make_batch(SHAPE, CONFIG.feature_dim, 2)
    runner = toy_runner(model)
    assert deviation(runner.outputs(batch), whole(model, batch), EAGER) <= 1e-6
    forward = Toy.forward
    monkeypatch.setattr(Toy, "forward", lambda s, b: forward(s, make_batch(SHAPE, CONFIG.feature_dim, 2, seed=9)))
    with pytest.raises(InvalidOutputError, match="encoding apart and forward differ by"):
        deviation(runner.outputs(batch), whole(model, batch), EAGER)
    torch.nn.init.constant_(model.mix.weight, float("nan"))
    with pytest.raises(InvalidOutputError, match="finite"):
        deviation(runner.outputs(batch), whole(model, batch), EAGER)


def test_a_difference_that_is_no_number_is_refused() -> None:
    found = Outputs(torch.zeros(1, 2, 3), torch.zeros(1, 1, 3))
    with pytest.raises(InvalidOutputError, match="differ by nan"):
        deviation(found, torch.full((1, 2, 3), torch.nan), EAGER)

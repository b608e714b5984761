"""Each kind of measurement on a model whose costs are known by hand."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench import measures as package
from bench.backends.eager import take_rows
from bench.budget import TooDearError
from bench.cases import Matrix
from bench.execution import CPU, Execution, UnavailableError, threads
from bench.lab import Lab
from bench.measure import Timing
from bench.measures import measures
from bench.measures.evaluation import EvaluationMeasurement
from bench.measures.latency import LatencyMeasurement
from bench.measures.memory import measure as measure_memory
from bench.measures.reuse import REUSE
from bench.measures.reuse import sweep as sweep_reuse
from bench.measures.static import STATIC
from bench.measures.throughput import THROUGHPUT, sweep
from bench.measures.train_step import TrainStepMeasurement
from bench.missing import Missing, known
from bench.profiles import PROFILES
from bench.subjects import make_batch
from bench.workbench import Workbench
from emtm.data.batch import Batch
from emtm.processor import Route, trials
from tests.bench.toy import CONFIG, SHAPE, TRAINED, Toy, ToyOutput, toy, toy_case, toy_runner

SMOKE = PROFILES["smoke"]
CPU_ONE = Execution()


def test_latency_blocks() -> None:
    runner, pool = toy_runner(toy()), [make_batch(SHAPE, CONFIG.feature_dim, 1, seed) for seed in range(4)]
    with threads(1):
        measurement = LatencyMeasurement(runner, pool, Execution(), SMOKE)
        assert measurement.warm_up(1e-4) > 0
        measurement.probe.repeat(30)
        latency, ratio, _, disturbance = measurement.blocks(1000)
    assert latency.n == len(latency.samples) == 30
    assert not isinstance(latency.median_ci99, Missing)
    assert latency.min <= latency.median_ci99[0] <= latency.median <= latency.median_ci99[1]
    assert latency.p90 == Missing("n=30 < 64")
    assert ratio.ratio == pytest.approx(latency.median * ratio.gemm_macs_per_s / 1000, rel=0.5)
    assert disturbance.reference_drift == ratio.drift
    assert set(known(latency.by_stage) or {}) >= {"fusion", "decode"}


def test_train_step_blocks_leave_the_model_as_it_was() -> None:
    case, model = toy_case(batch_size=4, scenario="train_step"), toy()
    measurement = TrainStepMeasurement(case, model)
    measurement.warm_up()
    measurement.probe.repeat(3)
    training, ratio, _ = measurement.blocks(1000)
    assert ratio.macs == 3 * 4 * 1000
    assert training.samples_per_s == pytest.approx(4 / training.step_s)
    assert training.step_ci99_s == Missing("n=3 < 8 samples for a 99 % interval")
    assert not model.training
    assert all(p.grad is None for p in model.parameters())


def test_evaluation_runs_every_query_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    encoded: list[int] = []
    ground, encode = Toy.ground, Toy.encode_video

    def counting_ground(model: Toy, video: Tensor, query: Tensor) -> ToyOutput:
        done.append(len(video))
        return ground(model, video, query)

    def counting_encode(model: Toy, video: Tensor, mask: Tensor) -> Tensor:
        encoded.append(len(video))
        return encode(model, video, mask)

    monkeypatch.setattr(Toy, "ground", counting_ground)
    monkeypatch.setattr(Toy, "encode_video", counting_encode)
    parts = toy_runner(toy()).parts
    assert not isinstance(parts, Missing)

    def batch_of(size: int) -> Batch:
        return make_batch(SHAPE, CONFIG.feature_dim, size)

    measurement = EvaluationMeasurement(parts, batch_of, 32, Execution(threads=2), 0.1)
    measurement()
    assert (sum(done), sum(encoded)) == (372, 133)
    block = measurement.block()
    assert block.seconds == pytest.approx(10 * block.seconds_measured)
    assert block.num_threads == 2


def test_an_encoded_video_is_kept_for_its_queries() -> None:
    """Grounding from a kept encoding gives the moments of whole calls, row by row."""
    model, batch = toy(), make_batch(SHAPE, CONFIG.feature_dim, 3)
    runner = toy_runner(model)
    assert not isinstance(runner.parts, Missing)
    rows = torch.tensor([2, 0, 2])
    kept = runner.parts.pick(runner.parts.encode_video(batch), rows)
    again = dataclasses.replace(batch, video=batch.video[rows], video_mask=batch.video_mask[rows])
    torch.testing.assert_close(runner.parts.ground(kept, batch), runner(again))


def test_throughput_sweeps_the_batches_of_the_profile(toys: None) -> None:
    bench, case = Workbench(SMOKE), toy_case()
    assert [point.batch for point in sweep(bench, case, 1e-4).curve] == [1, 4, 16]
    with pytest.raises(TooDearError, match="4 calls of 9 s are over the 1 s that profile smoke allows"):
        sweep(bench, case, 9.0)


def test_a_video_is_encoded_once_for_all_of_its_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    parts, pool = toy_runner(toy()).parts, [make_batch(SHAPE, CONFIG.feature_dim, 1, seed) for seed in range(4)]
    assert not isinstance(parts, Missing)

    def encode(batch: Batch) -> object:
        seen.append("video")
        return parts.encode_video(batch)

    def ground(video: object, batch: Batch) -> Tensor:
        seen.append("query")
        return parts.ground(video, batch)

    profile = dataclasses.replace(SMOKE, reuse_queries=(1, 10, 10**7), reuse_point_s=0.0)
    told = sweep_reuse(dataclasses.replace(parts, encode_video=encode, ground=ground), pool, CPU_ONE, 1e-3, profile)
    # The warm-up, one pass over one query, one over ten; on no machine do ten million fit what smoke allows.
    assert seen == ["video", *["query"] * 4, "video", "query", "video", *["query"] * 10]
    one, ten, most = told.curve
    assert (known(one.passes), known(ten.passes)) == (1, 1) and known(one.value) and known(ten.value)
    assert (most.queries, most.status) == (10**7, "skipped")
    assert isinstance(most.value, Missing) and "over the 0.3 s that profile smoke allows" in most.value.reason
    with pytest.raises(TooDearError, match="1 pass over 1 queries of 9 s"):
        sweep_reuse(parts, pool, CPU_ONE, 9.0, profile)


def test_what_cannot_be_asked_twice_of_one_video_says_why(toys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TooDearError, match="at the sizes of charades-sta alone"):
        REUSE.start(Workbench(SMOKE), toy_case(dataset="tacos"))
    monkeypatch.setattr(Toy, "separable", False)
    with pytest.raises(UnavailableError, match="the model encodes no video without its query"):
        REUSE.start(Workbench(SMOKE), toy_case())


def test_memory_adds_weights_and_inputs_to_what_a_call_takes() -> None:
    model, batch = toy(), make_batch(SHAPE, CONFIG.feature_dim, 1)
    runner = toy_runner(model)
    assert not isinstance(runner.held, Missing)
    found = measure_memory(runner, runner.held, batch, CPU)
    weights = sum(4 * tensor.numel() for tensor in (*model.parameters(), *model.buffers()))
    inputs = 4 * batch.video.numel() + 8 * (batch.word_ids.numel() + batch.char_ids.numel())
    assert found.tensor_peak_bytes == found.activation_peak_bytes + weights + inputs
    assert found.activation_peak_bytes > 0
    assert found.device_peak_allocated_bytes == Missing("ran on the CPU")


def test_rows_of_any_encoding() -> None:
    rows = torch.tensor([1, 1])
    taken = take_rows({"a": (torch.arange(3), [torch.arange(6).view(3, 2)]), "b": 7}, rows)
    assert taken["a"][0].tolist() == [1, 1]
    assert taken["a"][1][0].tolist() == [[2, 3], [2, 3]]
    assert taken["b"] == 7


def test_measures_come_in_their_order_and_say_what_they_are_made_on() -> None:
    found = measures()
    assert [measure.name for measure in found] == [
        *("static", "latency", "throughput", "queries per video", "memory", "roofline", "growth", "cold start"),
        *("end to end", "evaluation", "train step", "quality"),
    ]
    trained = toy_case(run=TRAINED)
    single = {"static", "latency", "throughput", "queries per video", "memory", "roofline", "growth", "cold start"}
    for case, names in [
        (toy_case(), single),
        (trained, {*single, "quality"}),
        (toy_case(scenario="train_step"), {"train step"}),
        (toy_case(scenario="evaluation"), {"evaluation"}),
        (toy_case(scenario="end_to_end"), {"end to end"}),
    ]:
        assert {measure.name for measure in found if measure.applies(case)} == names


def test_a_timing_makes_its_calls() -> None:
    seen: list[str] = []
    Timing(lambda: seen.append("call"), lambda: (), rounds=2, prepare=lambda: seen.append("prepare")).run()
    assert seen == ["prepare", "call", "prepare", "call"]


MADE_UP = """
from bench.measure import Measure, Timing
from bench.record import Noise


def start(bench, case):
    return Timing(lambda: None, lambda: ())


MADE_UP = Measure("made up", "single_stream", (Noise,), start, order=5)
"""


def test_a_file_that_is_put_there_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made_up.py").write_text(MADE_UP)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    try:
        assert [measure.name for measure in measures()][:3] == ["static", "made up", "latency"]
    finally:
        sys.modules.pop("bench.measures.made_up", None)


def test_products_of_batches_alone_take_the_quickest_route(
    toys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {measure.name for measure in measures() if measure.batched} == {"throughput", "evaluation", "train step"}
    other, taken = Route("other", trials()[0].route.switch), list[bool]()
    monkeypatch.setattr("bench.lab.route_of", lambda *, batches: taken.append(batches) or other)
    case = toy_case()
    lab = Lab(Matrix((case,), ()), SMOKE, tmp_path, ("pytest",))
    for measure in (STATIC, THROUGHPUT):
        lab.measure(case, measure)
    assert taken == [False, True]

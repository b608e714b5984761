"""Counts without data equal counts of a run, and what a cache saves is what encoding the video takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import Tensor, nn

from bench import static
from bench.backends.eager import staged_run
from bench.cases import Text
from bench.instruments.flops import operators, summarise
from bench.instruments.ledger import TooManyCallsError
from bench.instruments.params import Lookups, params_of_seen
from bench.record import Params
from bench.stages import StageTracker
from bench.static import analyse_config, analyse_model
from bench.subjects import Shape, build_model, make_batch
from emtm.contract import ModelConfig
from emtm.registry import preset
from tests.bench.toy import SHAPE, toy

TEXT = Text(6, 10, 40, 30)


def compact(name: str) -> tuple[ModelConfig, Shape]:
    config = preset(name, "smoke", "compact").config
    clips = min(config.max_clips, 64)
    return config, Shape(clips, TEXT.num_words, TEXT.num_chars, TEXT.word_vocabulary, TEXT.char_vocabulary)


@pytest.mark.parametrize("name", ["tan2d", "cca", "moment-detr"])
def test_without_data_as_with_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config, shape = compact(name)
    run = analyse_model(build_model(name, config, shape), make_batch(shape, config.feature_dim, 1))
    monkeypatch.setattr(static, "SHAPES_ALONE_PARAMS", 0)
    monkeypatch.setattr(static, "SHAPES_ALONE_CALLS", 10**6)
    found = analyse_config(name, config, shape, crosscheck_macs=0)
    assert found.params == run.params
    assert found.compute.macs == run.compute.macs
    assert found.compute.by_stage.keys() == run.compute.by_stage.keys()
    assert found.compute.query_independent_macs == run.compute.query_independent_macs
    assert "over the limit" in str(found.crosscheck.fvcore_macs)


def test_a_large_model_is_never_run_when_fvcore_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """594 GMAC: a run would take ten seconds, and its maps half a gigabyte."""
    config = preset("tan2d", "tacos").config
    shape = Shape(config.max_clips, 20, 10, 40, 30)
    monkeypatch.setattr(static, "params_of_seen", counting := _Recorder())
    found = analyse_config("tan2d", config, shape, built=lambda: pytest.fail("the model was built"))
    assert found.compute.macs / 1e9 == pytest.approx(594.4, abs=0.1)
    assert {p.device.type for p in counting.module.parameters()} == {"meta"}
    assert found.params.unreachable == 0


class _Recorder:
    module: nn.Module

    def __call__(self, module: nn.Module, lookups: Lookups, predict: Callable[[], list[Tensor]]) -> Params:
        self.module = module
        return params_of_seen(module, lookups, predict)


def test_a_model_that_looks_at_values_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "SHAPES_ALONE_PARAMS", 0)
    config, shape = compact("emtm-student")
    fails = build_model("emtm-student", config, shape)

    def build(*_: object) -> object:
        if static.torch.empty(0).device.type == "meta":
            raise RuntimeError("needs values")
        return fails

    monkeypatch.setattr(static, "build_model", build)
    assert isinstance(analyse_config("emtm-student", config, shape).crosscheck.fvcore_macs, int)


def test_counting_leaves_the_model_in_its_mode() -> None:
    model = toy()
    for training in (False, True):
        model.train(training)
        analyse_model(model, make_batch(SHAPE, 8, 1))
        assert [m.training for m in model.modules()] == [training] * len(list(model.modules()))


def test_a_ledger_stops_at_its_limit() -> None:
    model = toy()
    run = staged_run(model, make_batch(SHAPE, 8, 1))
    calls = sum(row.calls for row in operators(model, run, {}))
    assert sum(row.calls for row in operators(model, run, {}, most_calls=calls)) == calls
    with pytest.raises(TooManyCallsError):
        operators(model, run, {}, most_calls=calls - 1)


def test_query_independent_macs_are_those_of_encode_video() -> None:
    model, batch = toy(), make_batch(SHAPE, 8, 1)
    compute = summarise(operators(model, staged_run(model, batch), dict(model.stages)))
    alone = summarise(operators(model, lambda _: model.encode_video(batch.video, batch.video_mask), {}))
    # Two projections of six clips, though the first counts as the stage video_proj.
    assert compute.query_independent_macs == alone.macs == 6 * 8 * 4 + 6 * 4 * 4
    assert compute.by_stage["video_encode"].macs < alone.macs
    assert alone.query_independent_macs == 0


def test_the_outermost_stage_is_the_method() -> None:
    tracker = StageTracker()
    with tracker.enter("video_encode"), tracker.enter("video_proj"):
        assert (tracker.outermost, tracker.current) == ("video_encode", "video_proj")
    assert tracker.outermost == "other"

"""Bounds of costs, by hand."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.missing import Missing
from bench.record import CaseRecord, Compute, Latency, Memory, Noise, StageCost
from bench.report.content.query_cost import Cost, latency_s, macs, memory_bytes, params
from bench.results import read_run
from tests.choose.conftest import EXAMPLE

STUDENT = read_run(EXAMPLE).cases[0]


def with_latency(case: CaseRecord, **changes: Any) -> CaseRecord:
    assert isinstance(case.latency, Latency)
    return replace(case, latency=replace(case.latency, **changes))


def with_once(case: CaseRecord, once: int | Missing) -> CaseRecord:
    assert isinstance(case.compute, Compute)
    return replace(case, compute=replace(case.compute, query_independent_macs=once))


def test_a_quiet_time_lies_in_its_interval(case: CaseRecord) -> None:
    assert latency_s([case], 1) == Cost(0.006057, 0.005984, 0.006144)


@pytest.mark.parametrize(
    ("noise", "interval", "why"),
    [
        (Noise(verdict="noisy"), (0.0059, 0.0061), "the machine was noisy"),
        (Missing("none"), (0.0059, 0.0061), "the machine was not watched"),
        (Noise(verdict="quiet"), Missing("n=3"), "too few calls for an interval"),
    ],
)
def test_a_doubtful_time_is_bounded_from_below_alone(
    case: CaseRecord, noise: Noise | Missing, interval: tuple[float, float] | Missing, why: str
) -> None:
    doubtful = replace(with_latency(case, median_ci99=interval), noise=noise)
    assert latency_s([doubtful], 1) == Cost(0.006057, 0.005815, float("inf"), (why,))


def test_seeds_are_taken_together_within_their_widest_bounds(case: CaseRecord) -> None:
    slower = with_latency(case, median=0.007, median_ci99=(0.0068, 0.0075))
    slowest = with_latency(case, median=0.009, median_ci99=(0.0085, 0.0095))
    assert latency_s([slowest, case, slower], 1) == Cost(0.007, 0.005984, 0.0095)
    absent = replace(case, latency=Missing("too dear"))
    assert latency_s([absent, case], 1) == latency_s([case], 1)
    assert latency_s([absent, absent], 1) == Missing("too dear")


def test_counts_and_memory_are_exact(case: CaseRecord) -> None:
    assert macs([case], 1) == Cost(52300000, 52300000, 52300000)
    assert params([case]) == Cost(1040000, 1040000, 1040000)
    assert memory_bytes([case]) == Cost(9437184, 9437184, 9437184)
    assert isinstance(case.memory, Memory)
    on_a_card = replace(case, memory=replace(case.memory, device_peak_allocated_bytes=5))
    assert memory_bytes([on_a_card]) == Cost(5, 5, 5)


def test_the_encoding_is_shared_by_the_queries_of_a_video(case: CaseRecord) -> None:
    once = 7_845_000 + 11_506_000  # video_proj and video_encode
    shared = with_once(case, once)
    assert macs([shared], 10) == Cost(*[52_300_000 - once + once / 10] * 3)
    saved = (0.0002326 + 0.0011629) * 0.9
    found = latency_s([shared], 10)
    assert isinstance(found, Cost)
    assert (found.value, found.low, found.high) == pytest.approx((0.006057 - saved, 0.005984 - saved, 0.006144))
    assert "estimated" in found.doubts[0]
    assert latency_s([shared], 1) == latency_s([case], 1)


def test_without_a_split_only_bounds_are_known(case: CaseRecord) -> None:
    for unsplit in (with_once(case, Missing("an old run")), with_once(case, 1)):
        found = latency_s([unsplit], 4)
        assert isinstance(found, Cost)
        assert (found.value, found.low, found.high) == (0.006057, 0.005984 / 4, 0.006144)
        assert found.doubts == ("how much of it is done once a video is not known",)
    assert macs([with_once(case, Missing("an old run"))], 4) == Cost(
        52_300_000, 52_300_000 / 4, 52_300_000, ("how much of it is done once a video is not known",)
    )


def test_a_model_that_does_nothing_for_the_video_alone_saves_nothing(case: CaseRecord) -> None:
    assert isinstance(case.compute, Compute)
    stages = {name: StageCost(macs=stage.macs) for name, stage in case.compute.by_stage.items() if "video" not in name}
    whole = replace(case, compute=replace(case.compute, by_stage=stages, query_independent_macs=0))
    assert latency_s([whole], 10) == latency_s([case], 1)
    assert macs([whole], 10) == macs([case], 1)


@given(queries=st.floats(1, 1000), once=st.integers(0, 52_300_000))
def test_more_queries_a_video_never_cost_more(queries: float, once: int) -> None:
    shared = with_once(STUDENT, once)
    for read in (latency_s, macs):
        few, many = read([shared], queries), read([shared], queries * 2)
        assert isinstance(few, Cost)
        assert isinstance(many, Cost)
        assert many.value <= few.value
        assert many.low <= few.low
        assert few.low <= few.value <= few.high

"""Ever longer videos: exponents in closed form, the toy followed to a thousand clips, and what is refused."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench import stats
from bench.budget import TooDearError
from bench.execution import Execution, UnavailableError
from bench.measures.growth import FIT_FROM, GROWTH, exponent, sweep
from bench.missing import Missing, known
from bench.profiles import PROFILES
from bench.record import Exponent
from bench.workbench import Workbench
from tests.bench.toy import TRAINED, toy_case

CI = PROFILES["ci"]
LIMITS = dataclasses.replace(CI.limits, growth_s=0.5)


@given(st.floats(-3, 3), st.floats(0.01, 100), st.lists(st.integers(1, 10**6), min_size=3, max_size=9, unique=True))
def test_a_power_law_is_found(p: float, factor: float, sizes: list[int]) -> None:
    slope, interval = stats.power(sizes, [factor * size**p for size in sizes])
    assert slope == pytest.approx(p, abs=1e-6)
    assert interval is not None and interval == pytest.approx((p, p), abs=1e-4)


def test_the_interval_of_a_power_is_that_of_least_squares() -> None:
    # Logarithms to base 2: x = 0, 1, 2 and y = 0, 2, 3 leave slope 1.5, residuals -1/6, 1/3, -1/6, spread 2.
    slope, interval = stats.power([1, 2, 4], [1, 4, 8])
    reach = 12.7062 * (1 / 6 / 1 / 2) ** 0.5
    assert slope == pytest.approx(1.5)
    assert interval == pytest.approx((1.5 - reach, 1.5 + reach), rel=1e-4)
    assert stats.power([1, 2], [1, 8]) == (pytest.approx(3.0), None)


def test_short_videos_are_in_no_exponent() -> None:
    points = [(16, 1.0), (64, 1.0), (FIT_FROM, 1.0), (2 * FIT_FROM, 4.0), (4 * FIT_FROM, Missing("too dear"))]
    found = exponent(points)
    assert isinstance(found, Exponent) and found.value == pytest.approx(2.0)
    assert isinstance(found.ci95, Missing)
    assert exponent(points[:3]) == Missing(
        f"of videos of {FIT_FROM} clips and more 1 were measured, and two make a line"
    )


def test_a_model_is_followed_to_longer_videos(toys: None) -> None:
    # On the busiest machine no length is too dear.
    profile = dataclasses.replace(
        CI, growth_clips=(8, 256, 512, 1024), limits=dataclasses.replace(LIMITS, growth_s=100.0)
    )
    bench, case = Workbench(profile), toy_case()
    found = sweep(bench, case, 1e-3)
    assert [point.clips for point in found.curve] == [8, 256, 512, 1024]
    assert {point.status for point in found.curve} == {"ok"}
    # All of the toy's products are in its layers over clips, but for a few over words.
    macs = [known(point.macs) or 0 for point in found.curve]
    assert macs[3] - macs[2] == 2 * (macs[2] - macs[1]) > 0
    assert isinstance(found.macs, Exponent) and found.macs.value == pytest.approx(1.0, abs=0.02)
    assert isinstance(found.memory, Exponent) and found.memory.value == pytest.approx(1.0, abs=0.02)
    assert isinstance(found.time, Exponent)


def test_lengths_that_are_too_dear_or_do_not_fit_are_left_out(toys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = dataclasses.replace(CI, growth_clips=(8, 10**5), limits=LIMITS)
    dear = sweep(Workbench(profile), toy_case(), 60.0)
    assert [point.status for point in dear.curve] == ["skipped", "skipped"]
    value = dear.curve[0].value
    assert isinstance(value, Missing) and "over the 0.5 s that profile ci allows" in value.reason
    assert isinstance(dear.time, Missing) and known(dear.curve[0].macs)

    def full(*_: object) -> object:
        raise torch.OutOfMemoryError

    monkeypatch.setattr("bench.measures.growth.ready", full)
    assert [point.status for point in sweep(Workbench(profile), toy_case(), 1e-6).curve] == ["oom", "oom"]


def test_what_is_not_followed_says_why() -> None:
    bench = Workbench(CI)
    with pytest.raises(TooDearError, match="profile smoke follows no model"):
        GROWTH.start(Workbench(PROFILES["smoke"]), toy_case())
    with pytest.raises(TooDearError, match="at the sizes of charades-sta alone"):
        GROWTH.start(bench, toy_case(dataset="tacos"))
    with pytest.raises(TooDearError, match="models of these roles alone to longer videos: student"):
        GROWTH.start(bench, toy_case(model="vslnet"))
    with pytest.raises(UnavailableError, match="for the clips that they were trained on"):
        GROWTH.start(bench, toy_case(run=TRAINED))
    with pytest.raises(UnavailableError, match="only the model itself"):
        GROWTH.start(bench, toy_case(execution=Execution(backend="onnxruntime")))

"""Which calls of a dear case are made, and which parts are left out."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import budget, stats
from bench.budget import TooDearError
from bench.cases import build_matrix
from bench.execution import CPU
from bench.instruments import throughput
from bench.missing import Missing
from bench.profiles import PROFILES, Profile

CI = PROFILES["ci"]


@pytest.mark.parametrize(
    ("call_s", "rounds"),
    [
        (0.002, 400),  # as many as the profile ever takes
        (0.05, 23),  # what fits the budget of 1.2 s
        (0.5, 11),  # the profile's fewest, 5.5 s
        (0.8, 10),  # what fits the limit of 10 s beside two untimed calls
        (1.0, 8),  # the fewest that give an interval
    ],
)
def test_a_dear_call_is_timed_fewer_times(call_s: float, rounds: int) -> None:
    assert budget.latency_rounds(call_s, CI) == rounds


def test_smoke_runs_a_model_at_its_first_sizes_alone_and_the_others_at_all(tmp_path: Path) -> None:
    budget.check_runs(10, 0, PROFILES["smoke"])
    with pytest.raises(TooDearError, match="runs models with random weights at the sizes of one benchmark alone"):
        budget.check_runs(10, 1, PROFILES["smoke"])
    cases = build_matrix(tmp_path, CI).of("single_stream")
    assert {(case.label, case.dataset) for case in cases if case.place == 0} >= {
        ("vslnet", "charades-sta"),
        ("cca", "activitynet-captions"),
    }
    for case in cases:
        budget.check_runs(10, case.place, CI)


def test_latency_is_left_out_before_its_interval_is_lost() -> None:
    budget.check_latency(1.0, CI)
    with pytest.raises(TooDearError, match=r"10 calls of 1.1 s are over the 10 s that profile ci allows"):
        budget.check_latency(1.1, CI)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda p: p.name)
def test_timed_calls_give_an_interval_and_fit_the_limit(profile: Profile) -> None:
    for exponent in range(-12, 12):
        call_s = 2.0**exponent
        rounds = budget.latency_rounds(call_s, profile)
        assert stats.fewest_for_interval() <= rounds <= profile.latency_rounds[1]
        try:
            budget.check_latency(call_s, profile)
        except TooDearError:
            assert (rounds + 2) * call_s > profile.limits.latency_s
        else:
            assert (rounds + 2) * call_s <= profile.limits.latency_s


def test_warm_up_and_stages_of_a_dear_call_are_one_call() -> None:
    assert budget.few_calls(60.0, CI, CI.warmup) == 1
    assert budget.few_calls(0.001, CI, CI.warmup) == CI.warmup


@pytest.mark.parametrize(("step_s", "rounds"), [(0.1, 20), (0.25, 8), (2.0, 4), (3.3, 2)])
def test_a_dear_step_is_timed_twice_or_not_at_all(step_s: float, rounds: int) -> None:
    assert budget.train_rounds(step_s, CI) == rounds
    budget.check_train(step_s / 48, 16, CI)
    with pytest.raises(TooDearError, match=r"3 training steps of 3\.5 s"):
        budget.check_train(3.5 / 48, 16, CI)


def test_a_slow_first_call_does_not_make_a_cheap_model_dear() -> None:
    """The student's 48 million multiply-adds are always measured, 2D-TAN's 594 billion never look cheap."""
    student = budget.nominal_s(48_000_000)
    for profile in PROFILES.values():
        budget.check_latency(student, profile)
        budget.check_train(student, 16, profile)
        budget.check_memory(student, profile)
    assert budget.nominal_s(594_000_000_000) > 60


def test_limits_grow_with_the_profile() -> None:
    smoke, ci, full = (PROFILES[name].limits for name in ("smoke", "ci", "full"))
    for name in ("run_macs", "crosscheck_macs", "latency_s", "sweep_point_s", "memory_s", "train_s"):
        assert getattr(smoke, name) < getattr(ci, name) < getattr(full, name)


def test_a_sweep_ends_where_batches_grow_too_dear() -> None:
    ran: list[int] = []

    def make_run(size: int) -> Callable[[], object]:
        ran.append(size)
        return lambda: time.sleep(0.002 * size)

    def too_dear(calls: int, seconds: float) -> str | None:
        return "too dear" if calls * seconds > 0.1 else None

    # The first estimate is far too high for any but the smallest batch; what was measured replaces it.
    points = throughput.sweep((1, 2, 4, 64, 128), make_run, CPU, 0.002, 1, 0.04, too_dear)
    assert [p.status for p in points] == ["ok", "ok", "ok", "skipped", "skipped"]
    assert ran == [1, 2, 4]
    assert points[-1].value == Missing("too dear")
    assert throughput.knee_batch(points) <= 4

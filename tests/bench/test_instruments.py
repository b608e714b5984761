"""Instruments against known truths; bounds on time are sanity bounds, for a busy machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bench.backends.eager import infer
from bench.execution import CPU, threads
from bench.instruments import memory, noise, throughput
from bench.instruments.environment import EnvironmentWindow, commit, dirty
from bench.instruments.latency import LatencyProbe, rounds_for, stage_seconds
from bench.instruments.reference import GEMM_MACS, GemmFloor, floor_ratio
from bench.missing import ABSENT, Missing, known, or_missing
from bench.record import ThroughputPoint
from bench.run import GemmRate
from bench.subjects import make_batch
from tests.bench.toy import SHAPE, toy, toy_runner

MIB = 2**20


def test_the_clock_times_a_sleep() -> None:
    probe = LatencyProbe(time.sleep, (0.01,), CPU)
    probe.repeat(9)
    assert 0.0099 < min(probe.samples_s) < 0.05
    assert len(probe.samples_s) == 9


def test_the_probe_rotates_inputs_and_works_between_calls() -> None:
    seen: list[object] = []
    probe = LatencyProbe(seen.append, ("a", "b", "c"), CPU, lambda: seen.append("between"))
    probe.repeat(3)
    assert seen == ["between", "b", "between", "c", "between", "a"]
    probe.forget()
    assert probe.samples_s == []


@pytest.mark.parametrize(("once", "expected"), [(0.1, 11), (0.01, 50), (0.0, 100)])
def test_rounds_for_a_budget(once: float, expected: int) -> None:
    assert rounds_for(once, 0.5, 11, 100) == expected


def test_stage_seconds_add_up() -> None:
    staged = toy_runner(toy()).staged
    assert not isinstance(staged, Missing)
    start = time.perf_counter()
    spent = stage_seconds(staged, make_batch(SHAPE, 8, 1), CPU)
    assert {"video_proj", "video_encode", "text_embed", "text_encode", "fusion", "decode"} <= set(spent)
    assert sum(spent.values()) <= time.perf_counter() - start


def test_memory_sees_a_64_mib_allocation() -> None:
    def call() -> torch.Tensor:
        a = torch.ones(8 * MIB)
        return a + a

    gc.collect()
    assert memory.activation_peak_bytes(call) == 64 * MIB
    # Earlier work leaves heap behind that would serve the call, were it not given back: a hundred blocks that are
    # too small to be mapped by themselves, freed below one that is kept.
    blocks = [bytearray(MIB // 16) for _ in range(100 * 16)]
    kept = blocks.pop()
    blocks.clear()
    host = memory.host_peak(call)
    del kept
    if host is not None:
        assert 0.8 * 64 * MIB < host.peak_bytes - host.baseline_bytes < 2 * 64 * MIB


def test_memory_follows_releases_views_and_in_place_results() -> None:
    given = torch.zeros(MIB)

    def call() -> torch.Tensor:
        given.add_(1).view(-1)
        for _ in range(3):
            out = torch.ones(MIB).view(2, -1).relu_()
        return out

    # Rebinding `out` keeps the old tensor alive until the new one exists.
    assert memory.activation_peak_bytes(call) == 8 * MIB


def test_device_peak_is_a_matter_of_gpus() -> None:
    assert memory.device_peak(lambda: None, CPU) is None


def test_the_floor_of_itself_is_one() -> None:
    with threads(1):
        floor = GemmFloor(CPU)
        for _ in range(20):
            floor.sample()
    ratio = floor_ratio(list(floor.samples_s), floor, GEMM_MACS, 1)
    assert ratio.ratio == pytest.approx(1)
    assert not isinstance(ratio.ratio_ci99, Missing)
    assert ratio.ratio_ci99[0] <= 1 <= ratio.ratio_ci99[1]
    assert ratio.floor_s == pytest.approx(ratio.gemm_s)
    twice = floor_ratio([2 * s for s in floor.samples_s], floor, 4 * GEMM_MACS, 1)
    assert twice.ratio == pytest.approx(0.5)


def test_threads_are_restored() -> None:
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError), threads(1):
        assert torch.get_num_threads() == 1
        raise RuntimeError
    assert torch.get_num_threads() == before


def point(batch: int, rate: float | None) -> ThroughputPoint:
    value = or_missing(rate, "out of memory")
    return ThroughputPoint(batch=batch, value=value, ci99=ABSENT, calls=3, status="ok" if rate else "oom")


def test_knee_is_where_batching_stops_paying() -> None:
    points = [point(1, 10.0), point(8, 95.0), point(16, 100.0), point(32, None)]
    assert throughput.knee_batch(points) == 8
    assert throughput.best(points).batch == 16
    with pytest.raises(ValueError, match="memory"):
        throughput.best([point(1, None)])


def test_running_out_of_memory_ends_a_point_not_the_sweep() -> None:
    def make_run(batch: int) -> Callable[[], object]:
        raise torch.OutOfMemoryError

    found = throughput.measure_point(4, make_run, CPU, 0.0, 1)
    assert (found.status, found.value) == ("oom", Missing("out of memory"))


def test_noise_readings(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  10 0 10 60 0 0 0 20 0 0\n")
    before = noise.cpu_ticks(stat)
    stat.write_text("cpu  20 0 20 120 0 0 0 40 0 0\n")
    assert noise.steal_pct(before, noise.cpu_ticks(stat)) == 20
    assert noise.cpu_ticks(tmp_path / "none") is None
    assert noise.steal_pct(None, None) is None
    pressure = tmp_path / "cpu"
    pressure.write_text("some avg10=1.50 avg60=0.00 avg300=0.00 total=5\nfull avg10=0 total=7\n")
    assert noise.cpu_waits_us(pressure) == 5
    assert (noise.psi_cpu(pressure), noise.psi_cpu(tmp_path / "none")) == (1.5, None)
    assert noise.cpu_waits_us(tmp_path / "none") is None
    assert noise.NoiseWindow().close(1.2).verdict == "noisy"


def test_environment_has_one_fingerprint() -> None:
    rate = GemmRate(gemm_gflops=1.0, num_threads=1)
    first, second = EnvironmentWindow().close(ABSENT), EnvironmentWindow().close(rate)
    stable = [(env.fingerprint, env.hardware, env.software, env.settings) for env in (first, second)]
    assert stable[0] == stable[1]
    assert first.fingerprint.startswith("sha256:")
    assert (known(first.volatile.load1_start) or 0.0) >= 0
    assert (first.volatile.reference, second.volatile.reference) == (ABSENT, rate)


def test_a_directory_without_git_says_so(tmp_path: Path) -> None:
    for found in (commit(tmp_path), dirty(tmp_path)):
        assert isinstance(found, Missing)
        assert "git" in found.reason


def test_inputs_are_seeded() -> None:
    a, b = make_batch(SHAPE, 8, 2, seed=3, targets=True), make_batch(SHAPE, 8, 2, seed=3)
    assert torch.equal(a.video, b.video)
    assert a.targets is not None
    assert bool((a.targets.start_index <= a.targets.end_index).all())
    assert infer(toy(), a).shape == (2, 1, 3)

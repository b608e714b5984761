"""NVML and CUDA events, with fakes at their boundaries."""

from __future__ import annotations

import os
import sys
import time
from itertools import count
from types import SimpleNamespace

import pytest
import torch

from bench.execution import CPU, Device
from bench.gpu_check import speed, training
from bench.instruments import energy, nvml
from bench.instruments.cuda_events import timed
from bench.instruments.nvml import Card, PowerIntegral
from bench.missing import Missing, known
from tests.gpu_check.fake_nvml import install, processes, unsupported

CUDA = Device("cuda")


def test_a_card_tells_joules_and_watts(monkeypatch: pytest.MonkeyPatch) -> None:
    install(
        monkeypatch,
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: 2500,
        nvmlDeviceGetPowerUsage=lambda handle: 70_500,
        nvmlSystemGetDriverVersion=lambda: "580.1",
    )
    card = Card()
    assert (card.energy_j(), card.power_w(), card.driver) == (2.5, 70.5, "580.1")
    source, counter = energy._counter(CUDA)
    assert source == "nvml" and counter is not None and counter() == 2.5


def test_torchs_card_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()
    install(monkeypatch, nvmlDeviceGetHandleByUUID=asked.append)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for uuid in ("1b2c-3d", "GPU-1b2c-3d", "MIG-1b2c-3d"):
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda uuid=uuid: SimpleNamespace(uuid=uuid))
        Card()
    assert asked == ["GPU-1b2c-3d", "GPU-1b2c-3d", "MIG-1b2c-3d"]


def test_without_a_counter_of_energy_power_is_integrated(monkeypatch: pytest.MonkeyPatch) -> None:
    install(
        monkeypatch,
        nvmlDeviceGetTotalEnergyConsumption=unsupported,
        nvmlDeviceGetPowerUsage=lambda handle: 40_000 if idle else 100_000,
    )
    idle = True

    def call() -> None:
        nonlocal idle
        idle = False
        time.sleep(0.02)

    found = energy.measure(call, CUDA, 0.3)
    assert found.source == "nvml power, integrated"
    assert known(found.idle_w) == pytest.approx(40, rel=0.02)
    joules, calls, window = known(found.joules_per_query), known(found.calls), known(found.window_s)
    assert joules is not None and calls and window
    # Readings are 50 ms apart, and more where the machine is busy, so the edges of the window blur.
    assert 10 < joules * calls / window < 70


def test_an_integral_of_power_is_a_trapezoid(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = count(1)
    clock = SimpleNamespace(perf_counter=lambda: float(next(seconds)))
    monkeypatch.setattr(nvml, "time", clock)
    monkeypatch.setattr(nvml, "_SAMPLE_S", 0.001)
    shown = list[float]()

    def ramp() -> float:
        shown.append(10.0 * (len(shown) + 1))  # 10 W after one second, and 10 W more each second
        return shown[-1]

    integral = PowerIntegral(ramp)
    while len(shown) < 5:
        time.sleep(0.001)
    integral.close()
    assert integral() == pytest.approx(5.0 * (len(shown) ** 2 - 1))


def test_power_that_goes_away_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    powers = iter((50_000, 50_000, 50_000))
    install(
        monkeypatch,
        nvmlDeviceGetTotalEnergyConsumption=unsupported,
        nvmlDeviceGetPowerUsage=lambda handle: next(powers),
    )
    found = energy.measure(lambda: time.sleep(0.01), CUDA, 0.5)
    assert found.source == "none"
    assert "cannot be read any more" in str(found.joules_per_query)


def test_no_driver_and_no_package_have_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, nvmlInit=unsupported)
    assert energy._counter(CUDA) == ("no NVML energy counter: Not Supported", None)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    source, counter = energy._counter(CUDA)
    assert counter is None and "pynvml" in source


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([(7, 1), (os.getpid(), 64)], 64),
        ([(7, 32)], 32),  # a container's process, by the number that it has outside
        ([(7, 1), (8, 2)], Missing("none of the 2 processes that NVML lists has this one's number")),
        ([], Missing("none of the 0 processes that NVML lists has this one's number")),
        ([(os.getpid(), None)], Missing("NVML does not say what a process holds")),
    ],
)
def test_a_process_finds_its_own_bytes(
    found: list[tuple[int, int | None]], expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, nvmlDeviceGetComputeRunningProcesses=processes(*found))
    assert Card().process_bytes() == expected == speed._process_bytes(CUDA)


def test_bytes_that_are_not_told_have_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, nvmlDeviceGetComputeRunningProcesses=unsupported)
    assert speed._process_bytes(CUDA) == Missing("NVML does not list the card's processes: Not Supported")
    install(monkeypatch, nvmlInit=unsupported)
    assert speed._process_bytes(CUDA) == Missing("no NVML: Not Supported")


class Queue:
    """A card's queue: work takes 3 ms there and is launched in no time; waiting for it takes as long."""

    def __init__(self) -> None:
        self.ended_ms, self.waited = 0.0, True

    def launch(self, _: object) -> None:
        self.ended_ms, self.waited = self.ended_ms + 3.0, False

    def synchronize(self) -> None:
        if not self.waited:
            time.sleep(0.003)
        self.waited = True

    def event(self, enable_timing: bool = False) -> Event:
        assert enable_timing
        return Event(self)


class Event:
    def __init__(self, queue: Queue) -> None:
        self._queue, self.at_ms = queue, -1.0

    def record(self) -> None:
        self.at_ms = self._queue.ended_ms

    def elapsed_time(self, end: Event) -> float:
        assert self._queue.waited and self.at_ms >= 0
        return end.at_ms - self.at_ms


def test_events_and_the_wall_clock_time_the_same_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    monkeypatch.setattr(torch.cuda, "Event", queue.event)
    found = timed(queue.launch, [1, 2], Device("cuda", queue.synchronize), warmup=2, budget_s=10.0, most=5)
    assert known(found.event_s) == pytest.approx((0.003,) * 5)
    assert len(found.wall_s) == 5 and min(found.wall_s) >= 0.003
    assert queue.ended_ms == pytest.approx(7 * 3.0)


def test_a_cpu_has_no_events_and_one_call_is_made_at_least() -> None:
    found = timed(lambda _: time.sleep(0.002), [1], CPU, warmup=0, budget_s=0.0, most=5)
    assert found.event_s == Missing("a CPU has no CUDA events")
    assert len(found.wall_s) == 1 and found.wall_s[0] >= 0.002


def test_peaks_of_a_step_are_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    done = list[str]()
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: done.append("emptied"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: done.append("reset"))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 5)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 8)
    training._forget_peaks(CUDA)
    assert (training._peaks(CUDA), done) == ((5, 8), ["emptied", "reset"])
    assert training._peaks(CPU) == (Missing("ran on the CPU"),) * 2

"""Energy of one query, from a counter the machine lets us read, or the reason there is none."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from bench.execution import Device
from bench.missing import Missing
from bench.record import Energy

WINDOW_S = 1.0
"""NVML averages power over a second on recent GPUs, so shorter windows mean nothing."""

_RAPL = Path("/sys/class/powercap/intel-rapl:0/energy_uj")
_RAPL_RANGE = Path("/sys/class/powercap/intel-rapl:0/max_energy_range_uj")


Counter = Callable[[], float]
"""Joules since some fixed moment."""


def measure(call: Callable[[], object], device: Device) -> Energy:
    """Calls repeatedly for `WINDOW_S` seconds between two readings of the counter."""
    source, counter = _counter(device)
    if counter is None:
        return Energy(joules_per_query=Missing(source), source="none", window_s=Missing(source))
    calls, before, start = 0, counter(), time.perf_counter()
    while time.perf_counter() - start < WINDOW_S:
        call()
        calls += 1
    device.synchronize()
    window, joules = time.perf_counter() - start, counter() - before
    if joules < 0:
        joules += _rapl_range_joules()
    return Energy(joules_per_query=joules / calls, source=source, window_s=window)


def _counter(device: Device) -> tuple[str, Counter | None]:
    return _nvml() if device.name == "cuda" else _rapl()


def _rapl() -> tuple[str, Counter | None]:
    try:
        _RAPL.read_text()
    except OSError:
        return "no readable RAPL counter", None
    return "rapl-package-0", lambda: int(_RAPL.read_text()) * 1e-6


def _rapl_range_joules() -> float:
    return int(_RAPL_RANGE.read_text()) * 1e-6


def _nvml() -> tuple[str, Counter | None]:
    try:
        import pynvml

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except Exception as error:
        return f"no NVML energy counter: {error}", None
    return "nvml", lambda: float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) * 1e-3

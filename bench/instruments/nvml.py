"""The card that torch computes on, as its driver sees it: joules, watts, and the bytes that a process holds."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import torch

from bench.missing import Missing

_SAMPLE_S = 0.05
"""Between two readings of a card's power, of which the driver gives an average over up to a second."""


class Card:
    """One card; raises OSError where the driver does not answer, each question alone."""

    def __init__(self) -> None:
        try:
            import pynvml
        except ImportError as error:
            raise OSError(str(error)) from None
        self._nvml = pynvml
        self._asked("nvmlInit")
        self._handle = self._find()

    @property
    def driver(self) -> str:
        """Version of the driver."""
        return str(self._asked("nvmlSystemGetDriverVersion"))

    def energy_j(self) -> float:
        """Joules since the driver was loaded."""
        return float(self._asked("nvmlDeviceGetTotalEnergyConsumption", self._handle)) * 1e-3

    def power_w(self) -> float:
        """Watts, as an average of the last moments."""
        return float(self._asked("nvmlDeviceGetPowerUsage", self._handle)) * 1e-3

    def process_bytes(self) -> int | Missing:
        """Of the card's memory, what this process holds: torch's, the context's, and that of libraries."""
        try:
            found = list(self._asked("nvmlDeviceGetComputeRunningProcesses", self._handle))
        except OSError as error:
            return Missing(f"NVML does not list the card's processes: {error}")
        # In a container the driver may tell the numbers that processes have outside of it.
        mine = [process for process in found if process.pid == os.getpid()] or (found if len(found) == 1 else [])
        if not mine:
            return Missing(f"none of the {len(found)} processes that NVML lists has this one's number")
        used = mine[0].usedGpuMemory
        return Missing("NVML does not say what a process holds") if used is None else int(used)

    def _find(self) -> Any:
        """The one that torch uses, which need not be NVML's first."""
        if not torch.cuda.is_available():
            return self._asked("nvmlDeviceGetHandleByIndex", 0)
        name = str(torch.cuda.get_device_properties().uuid)
        return self._asked("nvmlDeviceGetHandleByUUID", name if "-" in name[:4] else f"GPU-{name}")

    def _asked(self, function: str, *arguments: Any) -> Any:
        try:
            return getattr(self._nvml, function)(*arguments)
        except Exception as error:
            raise OSError(str(error) or type(error).__name__) from None


class PowerIntegral:
    """Joules since it was made, of a power that is read every 50 ms; for cards that count no energy."""

    def __init__(self, power_w: Callable[[], float]) -> None:
        self._power_w = power_w
        self._joules, self._ended = 0.0, threading.Event()
        self._error: OSError | None = None
        self._last = time.perf_counter(), power_w()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def __call__(self) -> float:
        """The joules; raises OSError where the power cannot be read any more."""
        if self._error is not None:
            raise self._error
        return self._joules

    def close(self) -> None:
        """Reads no more."""
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ended.wait(_SAMPLE_S):
            try:
                now = time.perf_counter(), self._power_w()
            except OSError as error:
                self._error = error
                return
            (then_s, then_w), self._last = self._last, now
            self._joules += (now[0] - then_s) * (now[1] + then_w) / 2

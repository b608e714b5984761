"""What disturbed a measurement: stolen time, pressure, context switches, drift of the reference."""

from __future__ import annotations

import gc
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.missing import ABSENT, Missing, known, or_missing
from bench.record import Noise

STEAL_LIMIT_PCT = 2.0
DRIFT_LIMIT = 0.1
PRESSURE_LIMIT_PCT = 10.0
NOT_REPORTED = "the kernel does not report it"


class NoiseWindow:
    """Counters at the start of a measurement, compared with now when asked."""

    def __init__(self) -> None:
        self._ticks = cpu_ticks()
        self._waited_us = cpu_waits_us()
        self._start = time.perf_counter()
        self._usage = resource.getrusage(resource.RUSAGE_SELF)

    def close(self, reference_drift: float | Missing = ABSENT) -> Noise:
        """What happened since the window was opened."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        steal = steal_pct(self._ticks, cpu_ticks())
        pressure = self._pressure_pct()
        noisy = (
            (steal or 0.0) > STEAL_LIMIT_PCT
            or (pressure or 0.0) > PRESSURE_LIMIT_PCT
            or abs((known(reference_drift) or 1.0) - 1) > DRIFT_LIMIT
        )
        return Noise(
            steal_pct=or_missing(steal, NOT_REPORTED),
            cpu_pressure_pct=or_missing(pressure, NOT_REPORTED),
            nvcsw=usage.ru_nvcsw - self._usage.ru_nvcsw,
            nivcsw=usage.ru_nivcsw - self._usage.ru_nivcsw,
            reference_drift=reference_drift,
            verdict="noisy" if noisy else "quiet",
        )

    def _pressure_pct(self) -> float | None:
        now = cpu_waits_us()
        if now is None or self._waited_us is None:
            return None
        return min(100.0, 1e-4 * (now - self._waited_us) / (time.perf_counter() - self._start))


def cores_in_use(window_s: float = 0.25) -> float:
    """Cores that others keep busy while this process does nothing; 0 where the kernel does not say."""
    before = cpu_ticks()
    time.sleep(window_s)
    after = cpu_ticks()
    if before is None or after is None:
        return 0.0
    spent = [late - early for early, late in zip(before, after, strict=True)]
    total, idle = sum(spent), spent[3] + spent[4]
    return (os.cpu_count() or 1) * (1 - idle / total) if total > 0 else 0.0


@contextmanager
def quiet_gc() -> Iterator[None]:
    """Collects garbage once, then keeps the collector out of the block."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def cpu_ticks(path: Path = Path("/proc/stat")) -> tuple[int, ...] | None:
    """Ticks of the whole machine by kind, as the kernel counts them."""
    try:
        fields = path.read_text().splitlines()[0].split()
    except OSError:
        return None
    return tuple(int(field) for field in fields[1:9])


def steal_pct(before: tuple[int, ...] | None, after: tuple[int, ...] | None) -> float | None:
    """Share of the ticks between two readings that a hypervisor gave to others."""
    if before is None or after is None:
        return None
    total = sum(after) - sum(before)
    return 100 * (after[7] - before[7]) / total if total > 0 else 0.0


def cpu_waits_us(path: Path = Path("/proc/pressure/cpu")) -> int | None:
    """Microseconds since boot in which some task waited for a CPU."""
    try:
        return int(path.read_text().splitlines()[0].split("total=")[1])
    except (OSError, IndexError, ValueError):
        return None


def psi_cpu(path: Path = Path("/proc/pressure/cpu")) -> float | None:
    """Share of the last ten seconds in which some task waited for a CPU, in percent."""
    try:
        return float(path.read_text().split("avg10=")[1].split()[0])
    except (OSError, IndexError, ValueError):
        return None

"""Energy of one query, from a counter the machine lets us read, or the reason there is none.

A counter is of a whole processor package or card. What it shows at rest, right before the calls, is taken off, so that
the figure is what the calls add. Counters step, those of cards ten times a second: windows begin and end with a step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.execution import Device
from bench.instruments.nvml import Card, PowerIntegral
from bench.missing import Missing
from bench.record import Energy

Counter = Callable[[], float]
"""Joules since some fixed moment, never falling."""

_ZONES = Path("/sys/class/powercap")
_STEP_LIMIT_S = 0.5
"""A counter that has not stepped by then does not count."""


@dataclass(frozen=True, slots=True)
class _Moment:
    """When a counter stepped, and what it showed then."""

    time_s: float
    joules: float


def measure(call: Callable[[], object], device: Device, window_s: float) -> Energy:
    """Rests for `window_s` seconds, then calls repeatedly for as long."""
    source, counter = _counter(device)
    if counter is None:
        return left_out(source)
    try:
        return _measured(call, device, window_s, source, counter)
    except (OSError, ValueError) as error:
        return left_out(f"{source} cannot be read any more: {error}")
    finally:
        if isinstance(counter, PowerIntegral):
            counter.close()


def left_out(reason: str) -> Energy:
    """No energy, for a reason."""
    missing = Missing(reason)
    return Energy(joules_per_query=missing, source="none", window_s=missing)


def _measured(call: Callable[[], object], device: Device, window_s: float, source: str, counter: Counter) -> Energy:
    device.synchronize()
    began = _step(counter)
    time.sleep(window_s)
    start = _step(counter)
    if start.joules <= began.joules:
        return left_out(f"{source} does not count")
    idle_w = (start.joules - began.joules) / (start.time_s - began.time_s)
    calls = 0
    while time.perf_counter() - start.time_s < window_s:
        call()
        calls += 1
    device.synchronize()
    last, ends = counter(), time.perf_counter() + _STEP_LIMIT_S
    while (joules := counter()) == last and time.perf_counter() < ends:
        call()
        device.synchronize()
        calls += 1
    seconds = time.perf_counter() - start.time_s
    added = joules - start.joules - idle_w * seconds
    return Energy(
        joules_per_query=added / calls if added > 0 else Missing(f"not to be told from the {idle_w:.3g} W at rest"),
        source=source,
        window_s=seconds,
        idle_w=idle_w,
        calls=calls,
    )


def _step(counter: Counter) -> _Moment:
    """The next step of a counter, or the end of the wait for one."""
    first, ends = counter(), time.perf_counter() + _STEP_LIMIT_S
    while (joules := counter()) == first and time.perf_counter() < ends:
        pass
    return _Moment(time.perf_counter(), joules)


def _counter(device: Device) -> tuple[str, Counter | None]:
    """The counter's name, or why there is none."""
    return _nvml() if device.name == "cuda" else _rapl(_ZONES)


def _rapl(zones: Path) -> tuple[str, Counter | None]:
    """The sum over all packages; what is inside a package is counted with it."""
    packages = [zone for zone in sorted(zones.glob("intel-rapl:*")) if _name(zone).startswith("package")]
    if not packages:
        return "no RAPL counter: the system shows none of a processor package", None
    try:
        counters = [_unwrapped(zone) for zone in packages]
    except (OSError, ValueError):
        return "no readable RAPL counter: it is for root alone, or damaged", None
    return f"rapl {' + '.join(map(_name, packages))}", lambda: sum(counter() for counter in counters)


def _name(zone: Path) -> str:
    try:
        return (zone / "name").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _unwrapped(zone: Path) -> Counter:
    """The counter of one zone, which begins anew at its range: minutes, where a package draws a lot."""
    file, span = zone / "energy_uj", int((zone / "max_energy_range_uj").read_text("ascii"))
    last, turns = int(file.read_text("ascii")), 0

    def joules() -> float:
        nonlocal last, turns
        now = int(file.read_text("ascii"))
        turns, last = turns + (now < last), now
        return (now + turns * span) * 1e-6

    return joules


def _nvml() -> tuple[str, Counter | None]:
    """The card's own counter, or else its power over time."""
    try:
        card = Card()
        try:
            card.energy_j()
        except OSError:
            return "nvml power, integrated", PowerIntegral(card.power_w)
    except OSError as error:
        return f"no NVML energy counter: {error}", None
    return "nvml", card.energy_j

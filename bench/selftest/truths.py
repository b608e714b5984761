"""Every instrument against something whose answer is known beforehand."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor, nn

from bench.execution import CPU, Device
from bench.instruments import energy, memory, noise, throughput
from bench.instruments.crosscheck import Stageless
from bench.instruments.flops import count
from bench.instruments.latency import LatencyProbe
from bench.instruments.params import count_params
from bench.instruments.reference import GEMM_MACS, GemmFloor, floor_ratio
from bench.missing import known

MIB = 2**20
_WATTS, _WATTS_AT_REST = 50.0, 20.0


@dataclass(frozen=True, slots=True)
class Truth:
    """What an instrument must say, and what it said."""

    name: str
    expected: float
    found: float | None
    """None where the instrument gave no answer."""
    unit: str
    tolerance: float
    """Relative; 0 for counts."""

    @property
    def ok(self) -> bool:
        """Is the answer near enough?"""
        return self.found is not None and abs(self.found - self.expected) <= self.tolerance * abs(self.expected)


def truths(progress: Callable[[str], object] = lambda name: None) -> list[Truth]:
    """All instruments, in some ten seconds; one that raises counts as one that gave no answer."""
    found = []
    for name, expected, unit, tolerance, ask in _QUESTIONS:
        progress(name)
        try:
            answer = ask()
        except Exception:
            answer = None
        found.append(Truth(name, expected, answer, unit, tolerance))
    return found


def _sleep() -> float:
    probe = LatencyProbe(time.sleep, (0.01,), CPU)
    probe.repeat(20)
    return min(probe.samples_s)


def _activations() -> float:
    return memory.activation_peak_bytes(lambda: [torch.empty(8 * MIB), torch.empty(8 * MIB)])


def _host() -> float | None:
    peak = memory.host_peak(lambda: torch.ones(16 * MIB))
    return None if peak is None else peak.peak_bytes - peak.baseline_bytes


def _macs(module: nn.Module, *inputs: Tensor) -> Callable[[], float]:
    return lambda: count(module, Stageless(module, inputs)).macs


def _params() -> float:
    module = nn.Sequential(nn.Linear(10, 20), nn.LayerNorm(20))
    return count_params(module, lambda: [module(torch.ones(1, 10))]).total


def _unreachable() -> float | None:
    module = nn.ModuleDict({"used": nn.Linear(10, 20), "unused": nn.Linear(3, 4)})
    return known(count_params(module, lambda: [module["used"](torch.ones(1, 10))]).unreachable)


def _rate() -> float | None:
    point = throughput.measure_point(4, lambda batch: lambda: time.sleep(0.01), CPU, 0.3, 8)
    return known(point.value)


def _watts() -> float | None:
    busy_s: list[float] = []

    def call() -> None:
        began = time.perf_counter()
        time.sleep(0.01)
        busy_s.append(time.perf_counter() - began)

    with _fake_nvml(busy_s):
        found = energy.measure(call, Device("cuda"), 0.5)
    joules = known(found.joules_per_query)
    return None if joules is None else joules * len(busy_s) / sum(busy_s)


@contextmanager
def _fake_nvml(busy_s: Sequence[float]) -> Iterator[None]:
    """A card that draws 20 W at rest and 70 W while it is called, at the boundary to NVML."""
    card = ModuleType("pynvml")
    card.__dict__.update(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid,
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: (
            1e3 * (_WATTS_AT_REST * time.perf_counter() + _WATTS * sum(busy_s))
        ),
    )
    before = sys.modules.get("pynvml")
    sys.modules["pynvml"] = card
    try:
        yield
    finally:
        if before is None:
            del sys.modules["pynvml"]
        else:
            sys.modules["pynvml"] = before


def _steal() -> float | None:
    return noise.steal_pct((0, 0, 0, 0, 0, 0, 0, 0), (60, 0, 20, 0, 0, 0, 0, 20))


def _product() -> float:
    """The reference product, timed as if it were a model, over its own floor."""
    floor = GemmFloor(CPU)
    for _ in range(200):
        floor.sample()
    return floor_ratio(floor.samples_s[1::2], _half(floor), GEMM_MACS, 1).ratio


def _half(floor: GemmFloor) -> GemmFloor:
    half = GemmFloor(CPU)
    half.samples_s.extend(floor.samples_s[0::2])
    return half


_T, _B, _IN, _H = 7, 2, 16, 32
_QUESTIONS: tuple[tuple[str, float, str, float, Callable[[], float | None]], ...] = (
    ("clock: a sleep of 10 ms", 0.01, "s", 0.02, _sleep),
    ("activations: two blocks of 32 MiB", 64 * MIB, "B", 0.0, _activations),
    ("host memory: a block of 64 MiB", 64 * MIB, "B", 0.01, _host),
    ("MACs: a linear layer", 5 * 10 * 20, "", 0.0, _macs(nn.Linear(10, 20), torch.ones(5, 10))),
    ("MACs: a convolution", 20 * 10 * 3 * 30, "", 0.0, _macs(nn.Conv1d(10, 20, 3, padding=1), torch.ones(1, 10, 30))),
    ("MACs: an LSTM", _T * _B * 4 * _H * (_IN + _H), "", 0.0, _macs(nn.LSTM(_IN, _H), torch.ones(_T, _B, _IN))),
    ("parameters: a linear layer and a norm", 10 * 20 + 20 + 40, "", 0.0, _params),
    ("parameters that no prediction reaches", 3 * 4 + 4, "", 0.0, _unreachable),
    ("throughput: 4 queries in a sleep of 10 ms", 400.0, "/s", 0.05, _rate),
    ("energy: a card that draws 50 W more when called", _WATTS, "W", 0.01, _watts),
    ("steal: 20 ticks of 100", 20.0, "%", 1e-9, _steal),
    ("reference: the product against itself", 1.0, "", 0.1, _product),
)

"""A fixed matrix product timed beside a model: what this machine can do at this moment.

Latency over (MACs / rate of the product) says how far a model is from running at the machine's
speed. It has no unit and hardly moves when neighbours slow the machine down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from bench.execution import Device
from bench.missing import ABSENT, or_missing
from bench.record import Reference
from bench.stats import bootstrap_ratio, drift, interval_reason, median_interval
from emtm.processor import TIMED, Route, quickest, trials

GEMM_SHAPE = TIMED
GEMM_MACS = GEMM_SHAPE[0] * GEMM_SHAPE[1] * GEMM_SHAPE[2]
_BURST = 3


@dataclass
class GemmFloor:
    """Samples of the product's time; each is the best of a short burst, so that caches are warm."""

    device: Device
    samples_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        rows, inner, columns = GEMM_SHAPE
        generator = torch.Generator().manual_seed(0)
        self._a = torch.randn(rows, inner, generator=generator).to(self.device.name)
        self._b = torch.randn(inner, columns, generator=generator).to(self.device.name)
        self._out = torch.empty(rows, columns, device=self.device.name)

    def sample(self) -> None:
        """Times one burst."""
        times = []
        with self.route.taken():
            for _ in range(_BURST):
                start = self.device.now_ns()
                torch.mm(self._a, self._b, out=self._out)
                times.append(self.device.now_ns() - start)
        self.samples_s.append(min(times) * 1e-9)

    @property
    def route(self) -> Route:
        """On a CPU the quickest exact one that torch has, whichever the models take."""
        return quickest(trials())

    @property
    def drift(self) -> float:
        """Second half of the samples over the first; 1 when the machine kept its speed."""
        return drift(self.samples_s)


def floor_ratio(measured_s: list[float], floor: GemmFloor, macs: int, num_threads: int) -> Reference:
    """Ratio of medians of two series that were sampled in turn; `macs` must be positive."""
    scale = GEMM_MACS / macs
    ratio, (low, high) = bootstrap_ratio(measured_s, floor.samples_s)
    gemm = sorted(floor.samples_s)[len(floor.samples_s) // 2]
    return Reference(
        route=floor.route.name if floor.device.name == "cpu" else ABSENT,
        gemm_shape=GEMM_SHAPE,
        gemm_s=gemm,
        gemm_ci99_s=or_missing(median_interval(floor.samples_s), interval_reason(len(floor.samples_s))),
        gemm_macs_per_s=GEMM_MACS / gemm,
        num_threads=num_threads,
        macs=macs,
        floor_s=macs * gemm / GEMM_MACS,
        measured_s=sorted(measured_s)[len(measured_s) // 2],
        ratio=ratio * scale,
        ratio_ci99=(low * scale, high * scale),
        drift=floor.drift,
    )

"""What the machine can do at this moment: multiply, move bytes near and far, and dispatch an operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from bench.execution import Device
from bench.instruments.reference import GEMM_SHAPE
from bench.instruments.traffic import CACHED_BYTES
from emtm.processor import quickest, trials

PRODUCTS = (GEMM_SHAPE, (384, 384, 384))
"""Rows, inner size and columns; the rate is the best of them."""
_STREAMED_BYTES = 3 * 2**24
_DISPATCHES = 50


@dataclass(frozen=True, slots=True)
class Rates:
    """The best that was seen: a roof is what the machine can do, not what it mostly does."""

    macs_per_s: float
    cached_bytes_per_s: float
    streamed_bytes_per_s: float
    operator_s: float
    """Of an operator on a single element."""


@dataclass
class Machine:
    """Samples of the machine's rates, to be taken in turn with what is held against them."""

    device: Device
    _seconds: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        name = self.device.name
        self._products = [
            (torch.randn(m, k).to(name), torch.randn(k, n).to(name), torch.empty(m, n, device=name))
            for m, k, n in PRODUCTS
        ]
        # Two are read and one is written.
        self._near, self._far = (
            [torch.ones(size // 3 // 4, device=name) for _ in range(3)] for size in (CACHED_BYTES, _STREAMED_BYTES)
        )
        self._one = torch.ones(1, device=name)

    def sample(self) -> None:
        """Times each once, after one call that is not timed."""
        with torch.inference_mode():
            with quickest(trials()).taken():
                for place, (a, b, out) in enumerate(self._products):
                    self._time(f"product {place}", lambda a=a, b=b, out=out: torch.mm(a, b, out=out))  # type: ignore[misc]
            for where, (a, b, out) in (("near", self._near), ("far", self._far)):
                self._time(where, lambda a=a, b=b, out=out: torch.add(a, b, out=out))  # type: ignore[misc]
            self._time("operators", self._dispatched)

    def rates(self) -> Rates:
        """Of the samples so far."""
        best = {name: min(times) for name, times in self._seconds.items()}
        operator_s = best["operators"] / _DISPATCHES
        macs = [m * k * n / best[f"product {place}"] for place, (m, k, n) in enumerate(PRODUCTS)]
        return Rates(
            macs_per_s=max(macs),
            # What a call costs, however few the bytes, is counted as its dispatch.
            cached_bytes_per_s=_size(self._near) / max(best["near"] - operator_s, 1e-9),
            streamed_bytes_per_s=_size(self._far) / best["far"],
            operator_s=operator_s,
        )

    def _dispatched(self) -> None:
        for _ in range(_DISPATCHES):
            torch.neg(self._one)

    def _time(self, name: str, call: Callable[[], object]) -> None:
        call()
        self.device.synchronize()
        start = self.device.now_ns()
        call()
        self._seconds.setdefault(name, []).append((self.device.now_ns() - start) * 1e-9)


def _size(tensors: list[torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

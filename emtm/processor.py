"""How a process computes on this CPU: the quickest way to take float32 products exactly, and memory that is kept.

Torch takes float32 products to the library that it was built with, MKL on x86, which leaves half of some processors
idle. Its own switch for lower precision leads to oneDNN, which on a processor without matrix units for bfloat16 then
computes in true float32. So what the switch does is tried, not looked up: products of several shapes have to agree with
float64, and the switch is used where it makes a product quicker by half and more.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from emtm.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

VARIABLE = "EMTM_CPU"
"""Environment variable: `quickest`, as without it, or `as-built`, which leaves torch and the allocator alone."""
_QUICKEST, _LEFT_ALONE = "quickest", "as-built"
MAX_ERROR = 2e-6
"""Of a product, beside float64, as a share of its largest element."""
_MIN_GAIN = 1.5
"""So far apart are libraries where it matters; processes of one machine must not choose by chance."""
TIMED = (64, 1024, 128)
"""Rows, inner size and columns of the product that is timed."""
_CHECKED = ((384, 384, 384), TIMED, (1, 128, 128), (17, 300, 100), (200, 64, 2))
"""Rows, inner size, columns."""
_ROUNDS, _BURST = 5, 4
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**26)}
"""Where glibc's own limits end once large blocks were freed: what a process did before no longer decides whether an
intermediate tensor costs page faults.
"""
_MALLOPT = {"MALLOC_MMAP_THRESHOLD_": -3, "MALLOC_TRIM_THRESHOLD_": -1}


@dataclass(frozen=True, slots=True)
class Route:
    """A way of taking float32 products on the CPU."""

    name: str
    switch: str | None
    """What torch's switch says; None where torch has no such switch."""

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Products within the block take it."""
        before = _switch()
        _set(self.switch)
        try:
            yield
        finally:
            _set(before)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a route was seen to do with one thread of products."""

    route: Route
    macs_per_s: float
    """The best of some calls, of a product of 64 x 1,024 by 1,024 x 128."""
    error: float
    """The largest difference from float64 over some shapes, as a share of the largest element."""

    @property
    def exact(self) -> bool:
        """Is it float32?"""
        return self.error <= MAX_ERROR


def compute_at_best(*, batches: bool = True) -> Route:
    """Settles products and allocator of a process by what it works on, unless `EMTM_CPU=as-built`; the route taken.

    Raises UserError where the variable says something else.
    """
    chosen = route_of(batches=batches)
    _set(chosen.switch)
    if _tuned():
        _keep_memory()
    return chosen


def route_of(*, batches: bool) -> Route:
    """What products take by default: those of batches the quickest route, those of a lone query torch's own.

    A lone query's products are so small that handing them to another library takes longer than that one saves. Raises
    UserError as `compute_at_best`.
    """
    return quickest(trials()) if _tuned() and batches else _routes()[0]


def _tuned() -> bool:
    asked = os.environ.get(VARIABLE, _QUICKEST)
    if asked not in (_QUICKEST, _LEFT_ALONE):
        raise UserError(f"{VARIABLE} is '{_QUICKEST}' or '{_LEFT_ALONE}', not '{asked}'")
    return asked == _QUICKEST


def route() -> Route:
    """What products of this process take now."""
    now = _switch()
    return next((known for known in _routes() if known.switch == now), Route(f"torch's, switched to {now}", now))


def products_by_onednn() -> bool:
    """Do float32 products of this process go to oneDNN by the switch?"""
    return _switch() not in (None, "none", "ieee")


@cache
def trials() -> tuple[Trial, ...]:
    """Of each route that there is, the way torch was built first, sampled in turn; some 20 ms, once a process."""
    import torch

    generator = torch.Generator().manual_seed(0)
    pairs = [(torch.randn(m, k, generator=generator), torch.randn(k, n, generator=generator)) for m, k, n in _CHECKED]
    errors, times = dict[str, float](), dict[str, list[float]]()
    with torch.inference_mode():
        for way in _routes():
            with way.taken():
                errors[way.name] = max(_error(a, b) for a, b in pairs)
        a, b = pairs[_CHECKED.index(TIMED)]
        for _ in range(_ROUNDS):
            for way in _routes():
                with way.taken():
                    times.setdefault(way.name, []).extend(_seconds(a, b) for _ in range(_BURST))
    m, k, n = TIMED
    return tuple(Trial(way, m * k * n / min(times[way.name]), errors[way.name]) for way in _routes())


def quickest(found: tuple[Trial, ...]) -> Route:
    """The first, unless another that is exact is quicker by half and more."""
    first, *others = found
    better = [trial for trial in others if trial.exact and trial.macs_per_s >= _MIN_GAIN * first.macs_per_s]
    return max(better, key=lambda trial: trial.macs_per_s, default=first).route


def _error(a: Tensor, b: Tensor) -> float:
    import torch

    true = a.double() @ b.double()
    added = torch.addmm(torch.ones(b.shape[1]), a, b).double() - 1
    ways = (a @ b, added, torch.bmm(a[None], b[None])[0], a @ b.t().contiguous().t())
    return max(float((way - true).abs().max()) for way in ways) / float(true.abs().max())


def _seconds(a: Tensor, b: Tensor) -> float:
    start = time.perf_counter()
    a @ b
    return time.perf_counter() - start


def _routes() -> tuple[Route, ...]:
    if _matmul() is None:
        return (Route("as built", None),)
    return Route("as built", "none"), Route("oneDNN", "bf16")


def _matmul() -> Any:
    """Torch's switch of products on the CPU; None before torch 2.9."""
    import torch

    switch = getattr(torch.backends.mkldnn, "matmul", None)
    return switch if hasattr(switch, "fp32_precision") else None


def _switch() -> str | None:
    switch = _matmul()
    return None if switch is None else str(switch.fp32_precision)


def _set(to: str | None) -> None:
    if to is not None:
        _matmul().fp32_precision = to


def _keep_memory() -> None:
    """Blocks that were freed stay in the process as far as `ALLOCATOR` says; the user's own variables hold."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not every C library has one
    for variable, limit in ALLOCATOR.items():
        if mallopt is not None and variable not in os.environ:
            mallopt(_MALLOPT[variable], int(limit))

"""Peak memory of one call: what the operators allocated, and what the process held.

The tensor peak comes from a dispatch mode that follows every storage from birth to release, so
it is deterministic; workspaces inside a kernel are not in it. The host peak is the kernel's
high-water mark, which holds those too. What the allocator keeps of earlier calls is given back
before, or the call would find its memory there and seem to need none.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.execution import Device

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class HostPeak:
    """Resident memory before a call and at its peak."""

    baseline_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class DevicePeak:
    """What torch's caching allocator held at its peak."""

    allocated_bytes: int
    reserved_bytes: int


def activation_peak_bytes(call: Callable[[], object]) -> int:
    """Most bytes alive at once among the storages created during the call."""
    tracker = _StorageTracker()
    with tracker:
        result = call()
    del result
    return tracker.peak_bytes


def host_peak(call: Callable[[], object]) -> HostPeak | None:
    """High-water mark of the process during the call; None where the kernel does not reset it."""
    try:
        _give_back_free_heap()
        _CLEAR_REFS.write_text("5")
        baseline = _status_bytes("VmRSS")
        call()
        return HostPeak(baseline, _status_bytes("VmHWM"))
    except OSError:
        return None


def device_peak(call: Callable[[], object], device: Device) -> DevicePeak | None:
    """Allocator peaks of the call on a GPU; None on the CPU."""
    if device.name == "cpu":
        return None
    torch.cuda.reset_peak_memory_stats()
    call()
    device.synchronize()
    return DevicePeak(torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved())


def _give_back_free_heap() -> None:
    """By glibc's own function; other allocators keep little, or have none."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _status_bytes(field: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{_STATUS} has no {field}")


class _StorageTracker(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds a storage when an operator first returns it and subtracts it when it is released."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak_bytes = 0
        self._live_bytes = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self,
        func: OpOverload[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        # A view or in-place result shares its argument's storage, which may predate the call.
        given = {
            leaf.untyped_storage()._cdata
            for leaf in tree_leaves((args, kwargs))
            if isinstance(leaf, Tensor) and not leaf.is_nested
        }
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and not leaf.is_nested:
                self._add(leaf.untyped_storage(), given)
        return result

    def _add(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        key = storage._cdata
        if key in given or key in self._known:
            return
        size = storage.nbytes()
        self._known.add(key)
        self._live_bytes += size
        self.peak_bytes = max(self.peak_bytes, self._live_bytes)
        weakref.finalize(storage, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._live_bytes -= size

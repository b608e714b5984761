"""A driver without a card, at the boundary to NVML."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType, SimpleNamespace

import pytest


def install(monkeypatch: pytest.MonkeyPatch, **functions: Callable[..., object]) -> None:
    """The module `pynvml` with these functions, and those that find a card."""
    module = ModuleType("pynvml")
    found = {"nvmlInit": lambda: None, "nvmlDeviceGetHandleByIndex": lambda index: f"card {index}", **functions}
    module.__dict__.update(found)
    monkeypatch.setitem(sys.modules, "pynvml", module)


def unsupported(*arguments: object) -> object:
    """What NVML raises for what a card does not have."""
    raise RuntimeError("Not Supported")


def processes(*found: tuple[int, int | None]) -> Callable[[object], Sequence[SimpleNamespace]]:
    """A card on which these processes (number, bytes) compute."""
    return lambda handle: [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in found]

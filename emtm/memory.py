"""Is there room for it? Asked before an array is made whose size somebody typed, or a file claims."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from emtm.errors import UserError

_FREE = Path("/proc/meminfo"), "MemAvailable:"
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where a container's limit stands, in both versions of control groups."""
_UNITS = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"))


def memory_bytes() -> int:
    """Memory that is free, or all that there is where the system does not say; a container's limit if less."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = _FREE[0].read_text("ascii").splitlines()
        found.append(1024 * int(next(line.split()[1] for line in lines if line.startswith(_FREE[1]))))
    for place in _LIMITS:
        with contextlib.suppress(OSError, ValueError):  # "max" is no limit
            found.append(int(Path(place).read_text("ascii")))
    return min(found)


def check_memory(num_bytes: int, what: str) -> None:
    """Raise UserError where `what` does not fit into the memory of this machine."""
    there = memory_bytes()
    if num_bytes > there:
        raise UserError(f"{what} would take {_size(num_bytes)} of memory, and this machine has {_size(there)} free")


def _size(num_bytes: int) -> str:
    unit, name = next((pair for pair in _UNITS if num_bytes >= pair[0]), _UNITS[-1])
    return f"{num_bytes / unit:,.1f} {name}" if num_bytes < 1e6 * unit else f"{num_bytes / unit:.1e} {name}"

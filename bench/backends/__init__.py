"""Ways of running a model, one a file; each holds a `bench.execution.Backend`.

A file that is put here is found. Its cases join the matrix, are checked against the model itself, and measured by
whatever its runners allow.
"""

from __future__ import annotations

from bench.discovery import instances
from bench.execution import Backend, Execution, devices
from emtm.errors import UserError, unknown

REFERENCE = "eager"
"""The backend that is the model itself: the others are held against it."""


def backends() -> tuple[Backend, ...]:
    """All there are, the reference first, the others by name."""
    return tuple(sorted(instances(__name__, Backend), key=lambda backend: (backend.name != REFERENCE, backend.name)))


def backend(name: str) -> Backend:
    """The backend of that name; raises UserError with the closest names when there is none."""
    found = {known.name: known for known in backends()}
    if name not in found:
        raise UserError(unknown("backend", name, list(found)))
    return found[name]


def executions(threads: int = 1) -> tuple[Execution, ...]:
    """Every way of running on this machine: device by device, the reference first."""
    return tuple(
        Execution(device, threads, dtype, known.name)
        for device in devices()
        for known in backends()
        for dtype in known.dtypes(device)
    )

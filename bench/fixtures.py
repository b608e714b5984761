"""Types of the fixtures that the benchmarks share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bench.missing import Json

Measured = Callable[[], None]
"""Makes the test's measure on the test's case and books what it shows, or why there is nothing."""


class Benchmark(Protocol):
    """The part of pytest-benchmark's fixture that is used."""

    group: str | None
    extra_info: dict[str, Json]

    def pedantic(self, target: Callable[[], object], *, setup: Callable[[], object], rounds: int) -> object:
        """Calls `target` once a round, `setup` before each and outside the time."""

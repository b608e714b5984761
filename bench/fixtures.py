"""Types of the fixtures that the benchmarks share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from bench.cases import Case

T = TypeVar("T")

Recording = Callable[[Case, str], AbstractContextManager[None]]
"""`with recording(case, "latency"):` books errors on the case and hands it to pytest-benchmark."""


class Benchmark(Protocol):
    """The part of pytest-benchmark's fixture that is used."""

    group: str | None
    extra_info: dict[str, Any]

    def pedantic(
        self,
        target: Callable[..., T],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        setup: Callable[[], object] | None = None,
        rounds: int = 1,
    ) -> T:
        """Calls `target` once a round, `setup` before each and outside the time."""

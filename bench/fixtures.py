"""Types of the fixtures that the benchmarks share, and the clock that shows pytest-benchmark what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Protocol

from bench.missing import Json

Measured = Callable[[], None]
"""Makes the test's measure on the test's case and books what it shows, or why there is nothing."""


class Stats(Protocol):
    """Seconds of the calls, as pytest-benchmark keeps them until it writes its table."""

    data: list[float]


class Statistics(Protocol):
    """What pytest-benchmark keeps of one benchmark."""

    stats: Stats


class Benchmark(Protocol):
    """The part of pytest-benchmark's fixture that is used."""

    group: str | None
    extra_info: dict[str, Json]
    disabled: bool
    stats: Statistics | None

    def pedantic(self, target: Callable[[], object], *, rounds: int) -> object:
        """Calls `target` once a round and times it."""


class ReplayClock:
    """A timer for calls that another process has made: it shows each one's start and end."""

    def __init__(self) -> None:
        self._shown: Iterator[float] = iter(())

    def load(self, samples_s: Iterable[float]) -> None:
        """The next timings are these."""
        self._shown = chain.from_iterable((0.0, seconds) for seconds in samples_s)

    def now(self) -> float:
        """Zero, and what a call took, in turn."""
        return next(self._shown)

"""What a measure is: a kind of measurement that says of itself what it fills and how it is timed.

A new measure is one new file in `bench/measures/`, a block in `bench.record` unless it fills known ones, and a test
file of one line in `bench/` by which pytest collects it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.cases import Case
from bench.missing import Block
from bench.record import Scenario
from bench.workbench import Workbench


def _nothing() -> None:
    """Stands where nothing is to be done between calls."""


def _no_blocks(bench: Workbench, case: Case) -> tuple[Block, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Timing:
    """Calls that are ready to be made, warmed up; who makes them may time them too."""

    call: Callable[[], object]
    blocks: Callable[[], Iterable[Block]]
    """What the calls showed; asked once, when all have been made."""
    rounds: int = 1
    """How often to call."""
    prepare: Callable[[], object] = _nothing
    """To be done before each call, outside its time."""
    quiet: bool = False
    """Keep the garbage collector out of the calls."""

    def run(self) -> None:
        """Makes the calls."""
        for _ in range(self.rounds):
            self.prepare()
            self.call()


@dataclass(frozen=True, slots=True)
class Measure:
    """One kind of measurement; a module of `bench/measures/` holds it as a constant."""

    name: str
    scenario: Scenario
    """Of the cases that it is made on."""
    fills: tuple[type[Block], ...]
    """The blocks that are missing from the record, with the reason, where the measurement is left out."""
    start: Callable[[Workbench, Case], Timing]
    """Gets ready, warm-up included.

    Raises TooDearError where the measurement does not fit the profile, UnavailableError where the machine or the
    backend does not have what it takes, InvalidOutputError where the case cannot be trusted.
    """
    known: Callable[[Workbench, Case], Iterable[Block]] = _no_blocks
    """Blocks that need no clock; they stand even where `start` refuses."""
    untrained: str | None = None
    """Why there is nothing to measure of random weights; None where any weights do."""
    all_cores: bool = False
    """Runs on all cores, whatever number of threads the case names."""
    batched: bool = False
    """Whether several queries are computed at a time, whose products take the machine's quickest route."""
    order: int = 50
    """Place among the measures of one case, smallest first; equal ones by name."""

    def applies(self, case: Case) -> bool:
        """Is it made on this case?"""
        return case.scenario == self.scenario and (self.untrained is None or case.run is not None)

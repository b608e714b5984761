"""A machine whose speed is made up: each process has an offset of its own, each call noise."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.isolation.lines import WorkerError


@dataclass
class Machine:
    """Seconds of a case on a side, with the spread between processes and between calls."""

    seconds: Mapping[str, Mapping[str, float]]
    between: float = 0.002
    within: float = 0.005
    ignores_slowdown: bool = False
    cold: float = 0.0
    """What a call loses where another process was called before it."""
    lot: random.Random = field(default_factory=lambda: random.Random(0))
    started: list[str] = field(default_factory=list)
    closed: int = 0
    last: "Process | None" = None

    def start(self, name: str) -> "Process":
        self.started.append(name)
        return Process(self, self.seconds["base" if name == "twin" else name])


class Process:
    def __init__(self, machine: Machine, seconds: Mapping[str, float]) -> None:
        self._machine, self._seconds, self._case = machine, seconds, ""
        self._offset = machine.lot.gauss(1, machine.between)

    def hello(self) -> None:
        pass

    def open(self, case_id: str) -> float:
        if case_id not in self._seconds:
            raise WorkerError(f"no {case_id} here")
        self._case = case_id
        return self._seconds[case_id]

    def call(self, slowdown: float = 0.0) -> float:
        machine = self._machine
        slowed = 1 + (0 if machine.ignores_slowdown else slowdown)
        slowed += 0 if machine.last is self else machine.cold
        machine.last = self
        return self._seconds[self._case] * self._offset * slowed * machine.lot.gauss(1, machine.within)

    def close(self) -> None:
        self._machine.closed += 1

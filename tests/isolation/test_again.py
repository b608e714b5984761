"""What was measured in noise is measured again in quiet, and kept with its mark where quiet does not come."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cases import Case, Matrix
from bench.isolation.again import Made, again, noise_of
from bench.isolation.apart import LostError
from bench.isolation.questions import Answer
from bench.lab import Lab
from bench.measure import Measure
from bench.measures.latency import LATENCY
from bench.measures.memory import MEMORY
from bench.measures.throughput import THROUGHPUT
from bench.missing import Missing, known
from bench.profiles import PROFILES
from bench.record import CaseRecord, Noise, Throughput, ThroughputPoint
from tests.bench.toy import toy_case

NOISY, QUIET = Noise(verdict="noisy", steal_pct=5.0), Noise(verdict="quiet", steal_pct=0.0)


def sweep(noise: Noise) -> Throughput:
    point = ThroughputPoint(batch=1, value=2.0, status="ok")
    return Throughput(value=2.0, ci99=Missing("few"), knee_batch=1, num_threads=2, curve=(point,), noise=noise)


class Second:
    """A process that measures in quiet, or in noise as before, or is lost."""

    def __init__(self, noise: Noise = QUIET, lost: bool = False) -> None:
        self._noise, self._lost, self.asked = noise, lost, list[str]()

    def measure(self, case: Case, record: CaseRecord, measure: Measure) -> Answer:
        self.asked.append(measure.name)
        if self._lost:
            raise LostError("gone")
        lab = Lab(Matrix((case,), ()), PROFILES["smoke"], Path(), ())
        lab.records[case.case_id] = record
        return Answer(lab.add(case, sweep(self._noise) if measure is THROUGHPUT else self._noise), (1.0,))


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr("bench.isolation.again.cores_in_use", lambda: 0.0)
    case = toy_case()
    found = Lab(Matrix((case,), ()), PROFILES["smoke"], tmp_path, ("pytest",))
    found.add(case, NOISY, sweep(NOISY))
    return found


def once_more(lab: Lab, process: Second, *measures: Measure) -> tuple[list[str], list[tuple[float, ...]]]:
    """What was said, and the calls that were shown."""
    (case,) = lab.matrix.cases
    said, shown = list[str](), list[tuple[float, ...]]()
    again(lab, process, [Made(case, measure, shown.append) for measure in measures], said.append)  # type: ignore[arg-type]
    return said, shown


def test_quiet_takes_the_place_of_noise(lab: Lab) -> None:
    (case,) = lab.matrix.cases
    process = Second()
    _, shown = once_more(lab, process, LATENCY, THROUGHPUT, MEMORY)
    assert process.asked == ["latency", "throughput"]
    assert shown == [(1.0,), (1.0,)]
    noise, throughput = known(lab.record(case).noise), known(lab.record(case).throughput)
    assert noise is not None and throughput is not None
    assert (noise.verdict, noise.measured) == ("quiet", 2)
    assert noise_of(lab.record(case), THROUGHPUT) == "quiet"


def test_noise_twice_keeps_the_first_and_its_mark(lab: Lab) -> None:
    (case,) = lab.matrix.cases
    _, shown = once_more(lab, Second(Noise(verdict="noisy", steal_pct=9.0)), LATENCY)
    noise = known(lab.record(case).noise)
    assert noise is not None
    assert (noise.steal_pct, noise.verdict, noise.measured, shown) == (5.0, "noisy", 2, [])


def test_a_lost_process_costs_the_second_try_alone(lab: Lab) -> None:
    (case,) = lab.matrix.cases
    once_more(lab, Second(lost=True), LATENCY)
    assert (lab.record(case).status, noise_of(lab.record(case), LATENCY)) == ("ok", "noisy")


def test_a_machine_that_does_not_come_to_rest_is_not_waited_for_without_end(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("bench.isolation.again.cores_in_use", lambda: 1.0)
    monkeypatch.setattr("bench.isolation.again.time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr("bench.isolation.again.time.sleep", lambda seconds: None)
    process = Second()
    said, _ = once_more(lab, process, LATENCY, THROUGHPUT)
    assert process.asked == []
    assert said[-1] == "2 stay as they were measured in noise, and marked: the machine does not come to rest"
    assert next(clock) == pytest.approx(PROFILES["smoke"].again_s, abs=3)


def test_what_was_measured_in_quiet_is_left_alone(lab: Lab) -> None:
    (case,) = lab.matrix.cases
    lab.add(case, QUIET)
    process = Second()
    assert once_more(lab, process, LATENCY, MEMORY) == ([], [])
    assert process.asked == []

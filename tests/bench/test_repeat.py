"""What further processes add: medians by process, an interval of processes, and twins paired by process."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest

from bench import stats
from bench.cases import Case, Matrix
from bench.execution import CPU, Execution
from bench.instruments.reference import GemmFloor, floor_ratio
from bench.isolation.apart import LostError
from bench.isolation.questions import Pace
from bench.isolation.repeat import block, repeat
from bench.isolation.worker import again
from bench.lab import Lab
from bench.measures.latency import latency_block
from bench.missing import ABSENT, Missing
from bench.profiles import PROFILES
from bench.typical import latency_ci99_s, latency_s, paired_ratio
from tests.bench.toy import toy_case

SMOKE = PROFILES["smoke"]


class Made:
    """A process that takes a made-up time for each case, and shares an offset among all of them."""

    def __init__(self, offset: float, lost: str = "", fails: str = "") -> None:
        self._offset, self._lost, self._fails, self.closed = offset, lost, fails, False
        self.asked: list[str] = []

    def repeat(self, case: Case, call_s: float, macs: int | None = None) -> Pace | None:
        assert call_s == 0.01
        self.asked.append(case.label)
        if case.label == self._lost:
            raise LostError("gone")
        return None if case.label == self._fails else Pace(0.01 * self._offset, 1e-4)

    def close(self) -> None:
        self.closed = True


def lab(tmp_path: Path, *cases: Case) -> Lab:
    found = Lab(Matrix(cases, ()), SMOKE, tmp_path, ("pytest",))
    for case in cases:
        floor = GemmFloor(CPU, [1e-4] * 11)
        samples_s = [10.0 if case.label == "dear" else 0.01] * 11
        reference = floor_ratio(samples_s, floor, 1000, 1)
        found.add(case, latency_block(samples_s, 3, Missing("not asked")), reference)
    return found


def test_every_process_times_all_cases_in_an_order_of_its_own(tmp_path: Path) -> None:
    cases = [toy_case(label=name) for name in "abcdef"]
    found, made, said = lab(tmp_path, *cases), [Made(1.1), Made(1.2), Made(1.3)], list[str]()
    waiting = iter(made)
    repeat(found, lambda: next(waiting), said.append)  # type: ignore[arg-type, return-value]
    assert all(sorted(process.asked) == list("abcdef") and process.closed for process in made)
    assert made[0].asked != made[1].asked
    assert said == [f"process {n} of 4: 6 cases once more" for n in (2, 3, 4)]
    for case in cases:
        repeats = found.record(case).repeats
        assert not isinstance(repeats, Missing)
        assert repeats.processes == (1, 2, 3, 4)
        assert repeats.medians == pytest.approx((0.01, 0.011, 0.012, 0.013))
        assert latency_s(found.record(case)) == pytest.approx(0.01 * (1.1 * 1.2 * 1.3) ** (1 / 4))
    assert found.run().cases[0].repeats != ABSENT


def test_a_case_that_is_lost_or_fails_or_is_too_dear_keeps_what_it_has(tmp_path: Path) -> None:
    lost, fails, dear, other = (toy_case(label=name) for name in ("lost", "fails", "dear", "other"))
    found, made = lab(tmp_path, lost, fails, dear, other), list[Made]()

    def start() -> Made:
        made.append(Made(1.0, "lost", "fails"))
        return made[-1]

    repeat(found, start, lambda line: None)  # type: ignore[arg-type]
    assert all(sorted(process.asked) == ["fails", "lost", "other"] for process in made)
    for case, processes in ((lost, (1,)), (fails, (1,)), (dear, (1,)), (other, (1, 2, 3, 4))):
        repeats = found.record(case).repeats
        assert not isinstance(repeats, Missing)
        assert repeats.processes == processes
        assert isinstance(repeats.mean_ci99, Missing) == (len(processes) == 1)


def test_what_has_no_latency_or_another_backend_is_left_out(tmp_path: Path) -> None:
    plain, other = toy_case(), toy_case(label="other", execution=Execution(backend="onnxruntime"))
    found = lab(tmp_path, other)
    found.record(plain)
    repeat(found, lambda: pytest.fail("started"), lambda line: None)
    assert found.record(other).repeats == found.record(plain).repeats == ABSENT


def test_one_process_alone_is_shown_as_measured(tmp_path: Path) -> None:
    record = lab(tmp_path, toy_case()).record(toy_case())
    assert latency_s(record) == 0.01
    assert latency_ci99_s(record) == (0.01, 0.01)


def test_twins_are_compared_in_the_processes_that_timed_both() -> None:
    # The second process found the machine at half its speed for both, and a quarter slower still for the other.
    one = block({1: Pace(0.010, 1e-4), 2: Pace(0.020, 2e-4), 4: Pace(0.5, 1e-4)})
    other = block({1: Pace(0.011, 1e-4), 2: Pace(0.0275, 2.5e-4), 3: Pace(9.0, 1e-4)})
    found = paired_ratio(one, other)
    assert found is not None
    ratio, (low, high) = found
    assert ratio == pytest.approx(1.1)
    assert (low, high) == pytest.approx((1.1, 1.1), rel=1e-6)
    assert paired_ratio(block({1: Pace(1, 1)}), block({2: Pace(1, 1)})) is None
    assert paired_ratio(block({1: Pace(1, 1)}), block({1: Pace(1, 1)})) is None


def test_the_interval_of_few_processes_holds_the_truth_as_often_as_it_says() -> None:
    lot = random.Random(0)
    held = 0
    for _ in range(2000):
        _, interval = stats.geometric_mean([math.exp(lot.gauss(0.0, 0.02)) for _ in range(3)])
        assert interval is not None
        held += interval[0] <= 1 <= interval[1]
    assert held / 2000 == pytest.approx(0.99, abs=0.008)


def test_the_geometric_mean_is_that_of_the_logarithms() -> None:
    values = [1.0, 2.0, 4.0]
    mean, interval = stats.geometric_mean(values)
    assert mean == pytest.approx(2.0)
    assert interval is not None
    reach = 9.92484 * float(np.std(np.log(values), ddof=1)) / math.sqrt(3)  # t of 2 degrees of freedom, 99.5 %
    assert interval == pytest.approx((2 * math.exp(-reach), 2 * math.exp(reach)), rel=1e-5)
    assert stats.geometric_mean([3.0])[1] is None


@pytest.mark.usefixtures("toys")
def test_a_process_answers_with_seconds_or_with_nothing(tmp_path: Path) -> None:
    found = Lab(Matrix((), ()), SMOKE, tmp_path, ())
    case = toy_case()
    pace = again(found, case)
    assert pace is not None and 0 < pace.reference_s < pace.call_s * 1000
    assert again(found, toy_case(execution=Execution(backend="no such backend"))) is None

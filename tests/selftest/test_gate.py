"""The gate on machines whose speed is made up."""

import pytest

from bench.ab.session import Outcome, Trial
from bench.selftest.gate import Gate, Rates, plausible, sessions
from bench.verdict import Verdict
from tests.ab.machine import Machine

CASES = {"a": 0.01, "b": 0.02, "c": 0.03}


def gate(machine: Machine, comparisons: int = 9, slowed: int = 3) -> Gate:
    return Gate(tuple(sessions(list(CASES), comparisons, slowed, machine.start, 1e9)))


def test_a_quiet_machine_carries_verdicts() -> None:
    found = gate(Machine({"base": CASES, "head": CASES}))
    assert found.unchanged == Rates(9, 0, 0, 9, 0)
    assert found.slowed == Rates(3, 3, 0, 0, 0)
    assert found.carries


def test_what_was_done_earlier_is_not_done_again() -> None:
    machine = Machine({"base": CASES, "head": CASES})
    earlier = Gate(tuple(sessions(list(CASES), 3, 1, machine.start, 1e9)))
    later = Gate(tuple(sessions(list(CASES), 9, 3, machine.start, 1e9, seed=1, earlier=earlier)))
    assert later.unchanged.comparisons == 6
    assert [trial.case_id for trial in later.slowed_trials] == ["b slowed down by 3 %", "c slowed down by 3 %"]
    done = Gate((*earlier.outcomes, *later.outcomes))
    assert list(sessions(list(CASES), 9, 3, machine.start, 1e9, earlier=done)) == []


def test_a_machine_too_noisy_for_answers_carries_none() -> None:
    found = gate(Machine({"base": CASES, "head": CASES}, between=0.08), 6, 3)
    assert found.unchanged.changed == 0
    assert found.unchanged.inconclusive == 6
    assert not found.carries


def test_a_machine_that_does_not_slow_down_carries_none() -> None:
    found = gate(Machine({"base": CASES, "head": CASES}, ignores_slowdown=True), 3, 4)
    assert found.slowed.unfound == 4
    assert not found.carries


def test_a_difference_between_equal_sides_is_a_false_alarm() -> None:
    found = gate(Machine({"base": CASES, "head": {name: 1.05 * seconds for name, seconds in CASES.items()}}), 3, 1)
    assert found.unchanged.slower == 3
    assert not found.carries


def test_a_case_that_cannot_be_measured_is_named() -> None:
    found = gate(Machine({"base": CASES, "head": {"a": 0.01, "b": 0.02}}), 3, 1)
    assert [trial.reason for trial in found.broken] == ["head: no c here"]
    assert not found.carries


@pytest.mark.parametrize(
    ("events", "trials", "share", "expected"),
    [(0, 200, 0.01, True), (4, 200, 0.01, True), (6, 200, 0.01, False), (1, 3, 0.01, False), (0, 0, 0.01, True)],
)
def test_how_many_wrong_answers_may_be_chance(events: int, trials: int, share: float, expected: bool) -> None:
    assert plausible(events, trials, share) is expected


def test_what_few_trials_leave_possible() -> None:
    # Rule of three: no event in n trials leaves 1 - 0.05 ** (1 / n).
    assert Rates(200, 0, 0, 200, 0).bound(0) == pytest.approx(1 - 0.05 ** (1 / 200))
    assert Rates(0, 0, 0, 0, 0).bound(0) == 1.0


def test_rates_leave_out_what_was_not_measured() -> None:
    trials = (Trial("a", verdict=Verdict.SAME), Trial("b", verdict=Verdict.INCONCLUSIVE, reason="died"))
    assert Gate((Outcome(trials, (), 4, 1.0),)).unchanged == Rates(1, 0, 0, 1, 0)

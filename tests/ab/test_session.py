"""Sessions with sides whose speed is made up: each process has an offset of its own, each call noise."""

import pytest

from bench.ab.sequential import Plan
from bench.ab.session import SLOWED, TWIN, Outcome, run
from bench.verdict import Verdict
from tests.ab.machine import Machine


def session(machine: Machine, budget_s: float = 1e9, plan: Plan = Plan()) -> tuple[Outcome, dict[str, Verdict]]:  # noqa: B008
    outcome = run(list(machine.seconds["base"]), machine.start, plan, budget_s)
    return outcome, {trial.case_id: trial.verdict for trial in (*outcome.trials, *outcome.sentinels)}


def test_slower_faster_and_same_are_told_apart() -> None:
    seconds = {"base": {"a": 0.01, "b": 0.01, "c": 0.01}, "head": {"a": 0.0105, "b": 0.0095, "c": 0.01}}
    machine = Machine(seconds, between=0.001)
    outcome, found = session(machine)
    assert found == {
        "a": Verdict.SLOWER,
        "b": Verdict.FASTER,
        "c": Verdict.SAME,
        TWIN: Verdict.SAME,
        SLOWED: Verdict.SLOWER,
    }
    assert outcome.valid
    assert machine.closed == len(machine.started)
    estimate = outcome.trials[0].found
    assert estimate is not None
    assert estimate.low < 1.05 < estimate.high


def test_what_is_decided_is_not_measured_again() -> None:
    machine = Machine({"base": {"a": 0.01, "b": 0.01}, "head": {"a": 0.02, "b": 0.0102}}, between=0.01)
    outcome, found = session(machine)
    slow, near = outcome.trials
    assert found["a"] is Verdict.SLOWER
    assert len(slow.logs) < len(near.logs) == outcome.rounds


def test_a_noisy_machine_gives_no_verdict() -> None:
    machine = Machine({"base": {"a": 0.01}, "head": {"a": 0.0103}}, between=0.05)
    outcome, found = session(machine)
    assert found["a"] is Verdict.INCONCLUSIVE
    assert outcome.rounds == Plan().max_rounds


def test_an_insensitive_machine_is_invalid() -> None:
    outcome, found = session(Machine({"base": {"a": 0.01}, "head": {"a": 0.01}}, ignores_slowdown=True))
    assert found[SLOWED] is Verdict.SAME
    assert not outcome.valid


def test_caches_that_the_last_call_filled_favour_nobody() -> None:
    machine = Machine({"base": {"a": 0.01}, "head": {"a": 0.01}}, between=0.0005, cold=0.06)
    outcome, _ = session(machine)
    for trial, expected in zip((*outcome.trials, *outcome.sentinels), (1.0, 1.0, 1.03), strict=True):
        assert trial.found is not None
        assert trial.found.ratio == pytest.approx(expected, abs=0.006)


def test_the_budget_ends_a_session_at_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("bench.ab.session.time.monotonic", lambda: float(next(clock)))
    machine = Machine({"base": {"a": 0.01}, "head": {"a": 0.0102}}, between=0.05)
    outcome, _ = session(machine, budget_s=1.0)
    assert outcome.rounds == 4


def test_a_case_that_fails_leaves_the_others_alone() -> None:
    machine = Machine({"base": {"a": 0.01, "b": 0.01}, "head": {"b": 0.01}})
    outcome, found = session(machine)
    assert outcome.trials[0].reason == "head: no a here"
    assert outcome.trials[0].broken == {"head"}
    assert found["b"] is Verdict.SAME
    assert machine.closed == len(machine.started)


def test_equal_seeds_measure_in_the_same_order() -> None:
    def logs() -> list[list[float]]:
        machine = Machine({"base": {"a": 0.01, "b": 0.02}, "head": {"a": 0.01, "b": 0.02}})
        return [trial.logs for trial in session(machine)[0].trials]

    assert logs() == logs()

"""A session whose process is made up: what is kept, what is lost, and where it is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import results
from bench.cases import Case, Matrix
from bench.execution import InvalidOutputError, UnavailableError
from bench.fixtures import ReplayClock
from bench.isolation.apart import LostError
from bench.isolation.questions import Answer
from bench.isolation.session import Session
from bench.isolation.worker import answer
from bench.lab import CaseError, Lab, LeftOutError
from bench.measure import Measure, Timing
from bench.missing import Missing, known
from bench.profiles import PROFILES
from bench.record import CaseRecord, Latency
from bench.workbench import Workbench
from emtm.errors import UserError
from tests.bench.toy import toy_case

SMOKE = PROFILES["smoke"]


def measure(error: Exception | None = None, quiet: bool = True, rounds: int = 3) -> Measure:
    def start(bench: Workbench, case: Case) -> Timing:
        if error is not None:
            raise error
        return Timing(lambda: None, lambda: (), rounds, quiet=quiet)

    return Measure("latency", "single_stream", (Latency,), start)


def ignored(samples_s: tuple[float, ...]) -> None:
    """Of calls whose times are of no interest here."""


class Here:
    """Stands in the place of the process: measures here, or is lost."""

    def __init__(self, lost: str = "") -> None:
        self.lost, self.asked = lost, 0

    def measure(self, case: Case, record: CaseRecord, measure: Measure) -> Answer:
        self.asked += 1
        if case.label == self.lost:
            raise LostError("the process was ended by SIGABRT")
        return answer(Lab(Matrix((), ()), SMOKE, Path(), ()), case, record, measure)

    def close(self) -> None:
        pass


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Session]:
    def make(cases: tuple[Case, ...], path: Path | None = None, lost: str = "") -> Session:
        monkeypatch.setattr("bench.isolation.session.Process", lambda profile, threads: Here(lost))
        return Session(Lab(Matrix(cases, ()), SMOKE, tmp_path, ("pytest",)), path)

    return make


def test_timed_calls_come_back_and_what_is_no_benchmark_does_not(session: Callable[..., Session]) -> None:
    case = toy_case()
    made = session((case,))
    shown = list[tuple[float, ...]]()
    made.measure(case, measure(rounds=5), shown.append)
    made.measure(case, measure(quiet=False), shown.append)
    assert [len(samples) for samples in shown] == [5, 0]


def test_refusals_are_told_apart_and_stand_in_the_record(session: Callable[..., Session]) -> None:
    cases = toy_case(), toy_case(label="unsound"), toy_case(label="dear")
    made = session(cases)
    made.plan(3)
    made.measure(cases[0], measure(), ignored)
    with pytest.raises(CaseError, match="not finite"):
        made.measure(cases[1], measure(InvalidOutputError("the output is not finite")), ignored)
    with pytest.raises(LeftOutError, match="not installed"):
        made.measure(cases[2], measure(UnavailableError("the backend is not installed")), ignored)
    path, why = made.finish()
    run = results.read_run(path)
    assert (why, known(run.suite.cut_off)) == ("", None)
    assert [case.status for case in run.cases] == ["ok", "invalid", "ok"]
    assert run.cases[2].latency == Missing("the backend is not installed")


def test_a_lost_process_costs_its_case_alone_and_is_not_asked_for_it_again(session: Callable[..., Session]) -> None:
    good, bad = toy_case(), toy_case(label="bad")
    made = session((bad, good), lost="bad")
    for _ in range(3):
        with pytest.raises(CaseError, match="process was"):
            made.measure(bad, measure(), ignored)
    made.measure(good, measure(), ignored)
    assert made.lab.problems == [(bad.case_id, "latency: the process was ended by SIGABRT")]
    assert made._process.asked == 2  # type: ignore[attr-defined]


def test_what_is_measured_is_on_disk_at_once_and_marked(session: Callable[..., Session], tmp_path: Path) -> None:
    case = toy_case()
    made = session((case,), tmp_path / "run.json")
    made.plan(4)
    made.measure(case, measure(), ignored)
    assert known(results.read_run(tmp_path / "run.json").suite.cut_off) == "1 of 4 measurements were made"
    for _ in range(3):
        made.measure(case, measure(), ignored)
    made.finish()
    assert "cut_off" not in (tmp_path / "run.json").read_text()


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(
    session: Callable[..., Session], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "run.json", tmp_path):
        with pytest.raises(UserError, match="cannot write"):
            session((toy_case(),), place).plan(1)


def test_a_place_that_is_gone_by_the_end_is_replaced(session: Callable[..., Session], tmp_path: Path) -> None:
    case, folder = toy_case(), tmp_path / "runs"
    made = session((case,), folder / "run.json")
    made.plan(1)
    made.measure(case, measure(), ignored)
    folder.rmdir()
    folder.write_text("a file now")
    path, why = made.finish()
    assert "cannot write" in why
    assert results.read_run(path).cases[0].case_id == case.case_id


def test_a_record_of_another_case_is_not_taken(tmp_path: Path) -> None:
    case = toy_case()
    lab = Lab(Matrix((case,), ()), SMOKE, tmp_path, ("pytest",))
    with pytest.raises(ValueError, match="not of"):
        lab.book(case, dataclasses.replace(case.record(), case_id="another"))


def test_the_clock_shows_what_was_measured() -> None:
    clock = ReplayClock()
    clock.load((0.5, 0.25))
    assert [clock.now() for _ in range(4)] == [0.0, 0.5, 0.0, 0.25]

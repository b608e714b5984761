"""Sessions with processes whose answers and speed are made up."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.isolation.lines import WorkerError
from bench.missing import Json, Missing, known
from bench.peers import contests
from bench.peers import session as sessions
from bench.peers.contests import BASE, TWIN, Contest, Row, rows
from bench.peers.document import _case
from bench.peers.parity import Array
from bench.peers.peer import Peer, Variant
from bench.peers.record import PeerCase
from bench.peers.session import Outcome, Session

PEER = Peer(
    name="made-up",
    title="a made-up peer",
    repository="nobody/nothing",
    commit="0" * 40,
    files={},
    worker=Path("nowhere.py"),
    needs="nothing",
    state=lambda model, get: {"weight": get("weight")},
    variants=(Variant("peer, faster", "", {}),),
)
ONE, TRAIN = Contest("emtm-student", "charades-sta", "infer", 1), Contest("emtm-student", "charades-sta", "train", 16)
SECONDS = {BASE: 0.01, TWIN: 0.01, "peer, faster": 0.008, "eager": 0.005, "onnxruntime": 0.002}
SECONDS |= {"onnxruntime, cached video": 0.001, "openvino": 0.0015}


@dataclass
class Machine:
    """Seconds of a call by row, and what goes wrong where."""

    seconds: Mapping[str, float] = field(default_factory=lambda: SECONDS)
    wrong: Mapping[str, float] = field(default_factory=dict)
    """By how much a row's answer is not the peer's."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """The question that a row cannot answer."""
    dead: frozenset[str] = frozenset()
    """Rows whose process ends with that."""
    between: float = 0.01
    lot: random.Random = field(default_factory=lambda: random.Random(0))
    said: list[tuple[str, str]] = field(default_factory=list)
    """Row and question, in order."""

    def start(self, row: Row) -> Process:
        return Process(self, row)


class Process:
    def __init__(self, machine: Machine, row: Row) -> None:
        self._machine, self._row, self.alive = machine, row, True
        self._pace = machine.lot.gauss(1, machine.between)
        self._asked("start")

    def hello(self) -> Mapping[str, str]:
        return {"python": "3", "tensorflow": "2.15.1"}

    def begin_making(self, contest: Contest, weights: Path, sizes: Mapping[str, Json]) -> None:
        assert sizes["max_clips"] == 64
        self._asked("make")
        if self._row.name == BASE and not weights.exists():
            np.savez(weights, weight=np.zeros(3, np.float32))
        assert weights.exists()

    def made(self) -> None:
        pass

    def begin_answer(self, contest: Contest, inputs: Path) -> None:
        assert inputs.exists()
        self._asked("answer")
        self._contest = contest

    def answered(self) -> dict[str, Array]:
        error = np.float32(self._machine.wrong.get(self._row.name, 0.0))
        if self._contest.kind == "train":
            names = "after/weight", "loss"
            return dict(zip(names, (np.full(3, 1e-3 + error, np.float32), np.float64(2.0 + error)), strict=True))
        if self._row.ours:
            span = np.full((4, 2, 64), 1 / 64)
            span[0, 0, :2] += error, -error
            return {"span": span, "clips": np.zeros((4, 2)), "score": np.full(4, 1 / 64**2)}
        logits = np.zeros((4, 64), np.float32)
        logits[0, 0] = error
        return {"start_logits": logits, "end_logits": 0 * logits, "start": np.zeros(4, int), "end": np.zeros(4, int)}

    def open(self, contest: Contest, inputs: Path) -> float:
        self._asked("open")
        return 0.0

    def call(self) -> float:
        self._asked("call")
        return self._machine.seconds[self._row.name] * self._pace * self._machine.lot.gauss(1, 0.01)

    def close(self) -> None:
        self._machine.said.append((self._row.name, "close"))

    def _asked(self, question: str) -> None:
        self._machine.said.append((self._row.name, question))
        if self._machine.broken.get(self._row.name) == question:
            self.alive = self._row.name not in self._machine.dead
            raise WorkerError(f"cannot {question}")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs until they are the most, since made-up calls take no time; all backends, whatever is installed."""
    monkeypatch.setattr(sessions, "PAIRS", (4, 40))
    monkeypatch.setattr(contests, "backend", lambda name: SimpleNamespace(dtypes=lambda device: ("float32",)))


def held(machine: Machine, folder: Path, chosen: tuple[Contest, ...] = (ONE,), rounds: int = 5) -> Outcome:
    return Session(PEER, chosen, machine.start, folder).run(rounds, budget_s=1e9)


def cases(outcome: Outcome) -> list[PeerCase]:
    return list(map(_case, outcome.trials))


def test_each_row_is_as_many_times_as_fast_as_it_is(tmp_path: Path) -> None:
    outcome = held(Machine(), tmp_path)
    (case,) = cases(outcome)
    assert outcome.rounds == 5 and len(case.noise) == 5
    assert [row.name for row in case.rows] == list(SECONDS)
    for row in case.rows:
        assert not isinstance(row.call_s, Missing) and not isinstance(row.call_ci99_s, Missing)
        assert row.call_s == pytest.approx(SECONDS[row.name], rel=0.03)
        assert row.call_ci99_s[0] < SECONDS[row.name] < row.call_ci99_s[1]
        assert len(row.round_s) == 5 and isinstance(row.reason, Missing)
        if row.name == BASE:
            assert isinstance(row.speedup, Missing) and isinstance(row.parity, Missing) and row.pairs == 0
            continue
        assert not isinstance(row.speedup_ci99, Missing)
        low, high = row.speedup_ci99
        assert low < SECONDS[BASE] / SECONDS[row.name] < high
        assert row.pairs >= 5 * 4 and len(row.round_log_ratios) == 5
        assert row.parity["span_max_abs"] < 1e-9 and row.parity["equal_moments"] == 1


def test_the_resolution_is_how_far_the_peer_is_from_itself(tmp_path: Path) -> None:
    folders = tmp_path / "quiet", tmp_path / "noisy"
    for folder in folders:
        folder.mkdir()
    quiet, noisy = (
        cases(held(Machine(between=between), folder))[0].resolution
        for between, folder in zip((0.001, 0.05), folders, strict=True)
    )
    assert 0 < quiet < 0.03 < noisy
    (case,) = cases(held(Machine(), tmp_path))
    twin = case.rows[1]
    assert twin.name == TWIN and case.resolution == max(1 - twin.speedup_ci99[0], twin.speedup_ci99[1] - 1)


def test_nothing_is_timed_before_all_have_answered_and_each_round_has_processes_of_its_own(tmp_path: Path) -> None:
    machine = Machine()
    held(machine, tmp_path, rounds=2)
    questions = [question for _, question in machine.said]
    assert questions.count("start") == questions.count("close") == 2 * len(SECONDS)
    second = questions.index("start", questions.index("close"))
    for part in (questions[:second], questions[second:]):
        assert part.index("call") > max(i for i, question in enumerate(part) if question == "answer")


@pytest.mark.parametrize(("contest", "error"), [(ONE, 0.01), (TRAIN, 1e-3)])
def test_what_answers_otherwise_is_not_timed(contest: Contest, error: float, tmp_path: Path) -> None:
    machine = Machine(wrong={"eager": error})
    (case,) = cases(held(machine, tmp_path, (contest,)))
    wrong = next(row for row in case.rows if row.name == "eager")
    assert ("eager", "call") not in machine.said and (TWIN, "call") in machine.said
    assert "its answer is not the peer's" in (known(wrong.reason) or "")
    assert wrong.round_s == () and isinstance(wrong.speedup, Missing)
    assert all(len(row.round_s) == 5 for row in case.rows if row.name != "eager")


def test_a_peer_in_another_environment_is_held_to_its_answer_too(tmp_path: Path) -> None:
    (case,) = cases(held(Machine(wrong={"peer, faster": 0.01}), tmp_path))
    assert [row.name for row in case.rows if not isinstance(row.reason, Missing)] == ["peer, faster"]


@pytest.mark.parametrize("question", ["start", "make", "answer", "open", "call"])
@pytest.mark.parametrize("dies", [False, True])
def test_a_row_that_breaks_down_costs_itself_alone(question: str, dies: bool, tmp_path: Path) -> None:
    machine = Machine(broken={"eager": question}, dead=frozenset({"eager"} if dies else ()))
    found, _ = cases(held(machine, tmp_path, (ONE, TRAIN), rounds=2))
    reasons = {row.name: known(row.reason) for row in found.rows if known(row.reason)}
    assert reasons == {"eager": f"cannot {question}"}
    assert all(len(row.round_s) == 2 for row in found.rows if row.name != "eager")
    assert [name for name, said in machine.said if said == "close"].count(BASE) == 2


@pytest.mark.parametrize("question", ["start", "make", "answer", "open", "call"])
def test_without_the_peer_nothing_is_timed(question: str, tmp_path: Path) -> None:
    machine = Machine(broken={BASE: question})
    (case,) = cases(held(machine, tmp_path, rounds=2))
    assert known(case.rows[0].reason) == f"cannot {question}"
    assert all(row.round_s == () and "the peer itself" in (known(row.reason) or "") for row in case.rows[1:])
    assert isinstance(case.resolution, Missing)


def test_a_round_that_would_be_over_the_budget_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr("bench.peers.session.time.monotonic", lambda: float(next(clock)))
    outcome = Session(PEER, (ONE,), Machine().start, tmp_path).run(50, budget_s=1.0)
    assert outcome.rounds == 1
    (case,) = cases(outcome)
    assert isinstance(case.rows[0].call_ci99_s, Missing) and isinstance(case.resolution, Missing)


def test_emtm_as_it_trains_by_default_is_timed_and_not_compared(tmp_path: Path) -> None:
    contest = Contest("emtm", "charades-sta", "train", 16)
    machine = Machine({**SECONDS, "eager, published": 0.006}, wrong={"eager": 1.0})
    (case,) = cases(held(machine, tmp_path, (contest,), rounds=2))
    by_name = {row.name: row for row in case.rows}
    assert (
        set(by_name)
        == {BASE, TWIN, "peer, faster", "eager, published", "eager"}
        == {row.name for row in rows(contest, PEER)}
    )
    assert isinstance(by_name["eager"].parity, Missing) and len(by_name["eager"].round_s) == 2
    assert by_name["eager, published"].parity["step_max_rel"] == 0


def test_weights_reach_ours_through_the_peers_mapping(tmp_path: Path) -> None:
    held(Machine(), tmp_path, rounds=1)
    (ours,) = tmp_path.glob("weights-*-ours.npz")
    assert torch.from_numpy(np.load(ours)["weight"]).tolist() == [0, 0, 0]

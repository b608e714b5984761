"""The order of a check: each row fails alone, time is kept, and the file is whole after each part."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.cases import Matrix
from bench.cli.report import validate
from bench.consistency import read_consistent
from bench.gpu_check import check as checking
from bench.gpu_check import making, session, study, worker
from bench.gpu_check.check import Check, incomplete
from bench.gpu_check.part import Part
from bench.gpu_check.parts import PARTS
from bench.gpu_check.plan import Plan
from bench.gpu_check.worker import Answer, Question
from bench.gpu_record import EnergyRow, GpuCheck, OutputDeviation, ParityRow, SpeedRow, StepRow, StudyRow
from bench.isolation.apart import LostError
from bench.lab import Lab
from bench.missing import ABSENT, Block, Missing, known
from bench.profiles import PROFILES
from bench.record import Energy
from bench.results import SchemaInvalidError, read_run, write_run
from bench.run import Run
from tests.bench.toy import toy_case

ROWS: dict[str, Callable[[str], Block]] = {
    "parity": lambda m: ParityRow(
        model=m, dataset="d", tolerance=1e-4, outputs=(OutputDeviation(output="moments", deviation=2e-5),)
    ),
    "speed": lambda m: SpeedRow(
        model=m,
        dataset="d",
        dtype="float32",
        backend="eager",
        calls=3,
        wall_s=0.002,
        event_s=0.001,
        ready_s=0.1,
        span_deviation=0.0,
        allocated_bytes=10,
        reserved_bytes=20,
        process_bytes=Missing("in a container"),
    ),
    "energy": lambda m: EnergyRow(model=m, dataset="d", energy=Energy(joules_per_query=0.1, source="nvml")),
    "training": lambda m: StepRow(
        model=m, dataset="d", batch_size=2, losses=(1.0, 0.5), step_s=0.1, allocated_bytes=1, reserved_bytes=2
    ),
    "study": lambda m: StudyRow(step=m, seconds=1.0, queries=2, planned_queries=20, planned_times=5, planned_s=1800.0),
}
ITEMS = ("first", "second")


class Here:
    """Stands in the place of the worker's process: answers at once, or as it is told."""

    def __init__(self) -> None:
        self.asked, self.closed = list[tuple[str, str, float]](), 0
        self.told: dict[tuple[str, str], Callable[[], Answer]] = {}

    def ask(self, question: Question, limit_s: float) -> Answer:
        self.asked.append((question.part, question.item, limit_s))
        answer = self.told.get((question.part, question.item))
        return answer() if answer else Answer(ROWS[question.part](question.item))

    def close(self) -> None:
        self.closed += 1


class World:
    """A check of two items in each part, with a clock that moves as it is told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.worker, self.said = 0.0, Here(), list[str]()
        self.seen = list[Run]()
        self.out = folder / "gpu.json"
        lab = Lab(Matrix((toy_case(),), ()), PROFILES["smoke"], folder, ("python", "-m", "bench.gpu_check"))
        clock = SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr(checking, "time", clock)
        monkeypatch.setattr(making, "time", clock)
        monkeypatch.setattr(checking, "Apart", lambda *arguments: self.worker)
        parts = tuple(replace(part, items=lambda plan: ITEMS) for part in PARTS)
        monkeypatch.setattr(checking, "PARTS", parts)
        monkeypatch.setattr(study, "STUDY", parts[-1])
        monkeypatch.setattr(study, "items", lambda plan: ITEMS)
        monkeypatch.setattr(session, "measure", lambda lab, folder, ends: (2, 2))
        self.check = Check(Plan("cpu", ("seqpan",), folder, 1), lab, self.out, 100.0, self._say)

    def run(self) -> GpuCheck:
        return self.check.run()

    def takes(self, part: str, item: str, seconds: float, *, lost: bool = False) -> None:
        """An item that takes a while, and is lost then if it is."""

        def answer() -> Answer:
            self.now += seconds
            if lost:
                raise LostError(f"no end within {seconds:.0f} s")
            return Answer(ROWS[part](item))

        self.worker.told[part, item] = answer

    def _say(self, line: str) -> None:
        self.said.append(line)
        self.seen.append(read_consistent(self.out))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def names(run: Run) -> Sequence[str]:
    found = known(run.gpu_check)
    assert found is not None
    return [part.name for part in found.parts]


def test_the_file_is_whole_after_each_part(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    found = world.run()
    order = ["parity", "speed", "energy", "training", "study", "session"]
    assert [names(run) for run in world.seen] == [order[: n + 1] for n in range(6)]
    assert [line.partition(":")[0] for line in world.said] == order
    assert [run.suite.cut_off for run in world.seen[:2]] == [
        "1 of 6 parts of the check are there",
        "2 of 6 parts of the check are there",
    ]
    assert world.seen[-1].suite.cut_off == ABSENT
    last = known(world.seen[-1].gpu_check)
    assert last == found and incomplete(found) == []
    assert last.parity == (ROWS["parity"]("first"), ROWS["parity"]("second"))
    assert last.speed[0].process_bytes == Missing("in a container")
    assert last.study_h == pytest.approx(1.0) and "second of 2 epochs" in str(last.study_from)
    validate(world.out)
    assert "agrees with itself" in capsys.readouterr().out
    assert world.worker.closed == 1  # before the session, which has a worker of its own


def test_a_row_fails_alone(world: World) -> None:
    world.worker.told["parity", "first"] = lambda: Answer(Missing("ValueError: odd"))
    world.takes("energy", "second", 1.0, lost=True)
    found = world.run()
    assert [part.failed for part in found.parts[:4]] == [
        {"first": "ValueError: odd"},
        {},
        {"second": "no end within 1 s"},
        {},
    ]
    assert [row.model for row in found.parity] == ["second"] and [row.model for row in found.energy] == ["first"]
    assert len(found.speed) == len(found.training) == 2
    assert incomplete(found) == ["parity", "energy"]
    assert "first failed: ValueError: odd" in world.said[0]
    assert {part.status for part in found.parts} == {"done"}


def test_a_spoiled_worker_is_replaced(world: World) -> None:
    world.worker.told["parity", "first"] = lambda: Answer(Missing("RuntimeError: CUDA error"), spoiled=True)
    found = world.run()
    assert world.worker.closed == 2
    assert [row.model for row in found.parity] == ["second"]


def test_a_part_that_takes_too_long_costs_itself_and_no_other(world: World) -> None:
    parity = PARTS[0].share * 100
    world.takes("parity", "first", parity + 1, lost=True)
    found = world.run()
    assert (found.parts[0].status, found.parts[0].reason, found.parts[0].failed) == ("out of time", "out of time", {})
    assert found.parity == () and len(found.speed) == 2
    assert [part.status for part in found.parts[1:]] == ["done"] * 5
    assert world.seen[-1].suite.cut_off == "5 of 6 parts of the check are there"
    assert "out of time before the end" in world.said[0]


def test_what_a_part_leaves_goes_to_the_next(world: World) -> None:
    world.run()
    limits = {part: limit for part, item, limit in world.worker.asked if item == "first"}
    assert limits["parity"] == pytest.approx(100 * PARTS[0].share)
    assert limits["study"] == pytest.approx(100 * sum(part.share for part in PARTS))
    assert sum(part.share for part in PARTS) + session.SHARE < 1


def test_later_parts_are_skipped_when_the_time_is_over(world: World) -> None:
    world.takes("speed", "second", 200.0)
    found = world.run()
    assert [part.status for part in found.parts] == ["done", "done", *["skipped"] * 4]
    assert {part.reason for part in found.parts[2:]} == {"out of time"}
    assert world.said[2:] == [
        f"{name}: skipped: out of time [0 s]" for name in ("energy", "training", "study", "session")
    ]
    assert len(found.speed) == 2 and found.energy == ()
    assert found.study_h == Missing("0 of 2 steps of the study were timed")
    assert [known(run.gpu_check) is not None for run in world.seen] == [True] * 6


def test_a_session_that_breaks_or_is_cut_off_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "measure", lambda lab, folder, ends: (1, 4))
    assert world.run().parts[-1].status == "out of time"

    def broken(lab: Lab, folder: Path, ends: float) -> tuple[int, int]:
        raise OSError("disk full")

    monkeypatch.setattr(session, "measure", broken)
    last = World(world.out.parent, monkeypatch)
    monkeypatch.setattr(session, "measure", broken)
    part = last.run().parts[-1]
    assert (part.status, part.failed) == ("done", {"the session": "OSError: disk full"})


def test_a_worker_makes_rows_and_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan("cpu", ("seqpan",), tmp_path, 1)

    def row(plan: Plan, item: str) -> Block:
        if item == "bad":
            raise RuntimeError("CUDA error: an illegal memory access\nwas encountered")
        return ROWS["parity"](item)

    part = Part("parity", 0.5, lambda plan: ["good", "bad"], row, lambda rows: "")
    monkeypatch.setattr(worker, "PARTS", (part,))
    assert worker.answer(plan, Question("parity", "good")) == Answer(ROWS["parity"]("good"))
    reason = Missing("RuntimeError: CUDA error: an illegal memory access")
    assert worker.answer(plan, Question("parity", "bad")) == Answer(reason)
    broken = replace(plan, device="no such device")
    assert worker.answer(broken, Question("parity", "bad")) == Answer(reason, spoiled=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parts": [{"name": "parity", "status": "skipped", "seconds": 0, "failed": {}}]}, "'reason' is a required"),
        ({"speed": [{"model": "m"}]}, "'dataset' is a required"),
        ({"device": 3}, "3 is not of type 'string'"),
        ({"study_h": None}, "study_h is null without a reason"),
    ],
)
def test_a_damaged_check_is_no_run_file(world: World, change: dict[str, object], message: str) -> None:
    world.run()
    doc = json.loads(world.out.read_text())
    doc["gpu_check"] |= change
    doc["gpu_check"].pop("study_h_reason", None)
    world.out.write_text(json.dumps(doc))
    with pytest.raises(SchemaInvalidError, match=message):
        read_run(world.out)


def test_a_run_without_a_check_has_none(world: World) -> None:
    write_run(world.check.lab.run(), world.out)
    assert read_run(world.out).gpu_check == ABSENT
    assert "gpu_check" not in world.out.read_text().replace("bench.gpu_check", "")

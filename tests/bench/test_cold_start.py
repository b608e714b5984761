"""The first answer of a process that has just begun: its steps, what is left out, and what the report shows."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from typing import Any

import pytest

from bench import budget
from bench.cases import PAPER, Case, paper_shape
from bench.execution import Execution, UnavailableError
from bench.instruments import cold_start
from bench.instruments.cold_start import STEPS, first_answers
from bench.measures.cold_start import COLD_START
from bench.profiles import PROFILES
from bench.record import ColdStart
from bench.report.sections.cold_start import section
from bench.subjects import build_model
from bench.workbench import Workbench
from emtm.registry import preset
from tests.bench.toy import toy, toy_case
from tests.report.conftest import Doc, content_of, doc, example_doc
from tests.report.test_tables import cell

__all__ = ["doc", "example_doc"]


def test_a_fresh_process_builds_loads_and_answers() -> None:
    config = preset("emtm-student", "smoke", "compact").config
    shape = paper_shape("charades-sta", config)
    began = time.monotonic()
    model = build_model("emtm-student", config, shape)
    found = first_answers(model, "emtm-student", shape, Execution(), 1)
    spent = [seconds for (seconds,) in found.values()]
    whole = time.monotonic() - began
    assert all(seconds > 0 for seconds in spent) and sum(spent) < whole
    assert max(zip(spent, STEPS, strict=True))[1] == "import"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "Traceback\nRuntimeError: sizes differ\n",
            "a fresh process ended without an answer: RuntimeError: sizes differ",
        ),
        ("", "a fresh process ended without an answer: exit code 3"),
    ],
)
def test_a_process_that_fails_has_a_reason(said: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 3, "", said)

    monkeypatch.setattr(cold_start.subprocess, "run", run)
    with pytest.raises(UnavailableError, match=f"^{reason}$"):
        first_answers(toy(), "toy", toy_case().shape, Execution(), 2)


def test_steps_are_told_apart_and_each_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = iter((11.0, 12.5, 13.0, 13.25, 20.0, 20.125))

    def run(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
        ends = dict(zip(("start", "import", "build", "load", "inputs", "first_call"), shown, strict=True))
        return subprocess.CompletedProcess(command, 0, "torch says something\n" + str(ends).replace("'", '"'), "")

    monkeypatch.setattr(cold_start.subprocess, "run", run)
    monkeypatch.setattr(cold_start.time, "monotonic", lambda: 10.0)
    found = first_answers(toy(), "toy", toy_case().shape, Execution(), 1)
    assert found == {"start": (1.0,), "import": (1.5,), "build": (0.5,), "load": (0.25,), "first_call": (0.125,)}


def test_the_block_holds_medians_and_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    samples: Mapping[str, tuple[float, ...]] = dict.fromkeys(STEPS, (1.0, 9.0, 2.0))
    monkeypatch.setattr("bench.measures.cold_start.first_answers", lambda *rest: samples)
    monkeypatch.setattr(Workbench, "model", lambda self, case: toy())
    timing = COLD_START.start(Workbench(PROFILES["ci"]), toy_case())
    timing.run()
    (block,) = timing.blocks()
    assert isinstance(block, ColdStart)
    assert (block.n, block.total, set(block.steps.values())) == (3, 10.0, {2.0})
    assert block.samples["total"] == (5.0, 45.0, 10.0)


@pytest.mark.parametrize(
    ("case", "profile", "error", "reason"),
    [
        (toy_case(), "smoke", budget.TooDearError, "profile smoke starts no fresh process"),
        (toy_case(dataset="tacos"), "ci", budget.TooDearError, "but at the sizes of charades-sta"),
        (toy_case(execution=Execution(backend="compiled")), "ci", UnavailableError, "only PyTorch as it is"),
    ],
)
def test_what_is_left_out_has_a_reason(case: Case, profile: str, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        COLD_START.start(Workbench(PROFILES[profile]), case)


def test_profiles_name_known_sizes() -> None:
    for profile in PROFILES.values():
        assert set(profile.cold_datasets) <= set(PAPER)
        assert bool(profile.cold_starts) == bool(profile.cold_datasets)


def test_the_report_shows_the_steps_and_marks_noise(doc: Doc) -> None:
    assert section(content_of(doc)).tables == ()
    steps = {step: 0.5 * (place + 1) for place, step in enumerate(STEPS)}
    block = {
        "unit": "s",
        "n": 3,
        "steps": steps,
        "total": 7.5,
        "samples": {step: [1.0] * 3 for step in (*STEPS, "total")},
    }
    for case in doc["cases"]:
        if case["workload"]["dataset"] == "charades-sta" and case["model"]["name"] in ("seqpan", "vslnet"):
            noise = {"verdict": "noisy" if case["model"]["name"] == "seqpan" else "quiet"}
            case["cold_start"] = {**block, "noise": noise}
    tables = section(content_of(doc)).tables
    assert [table.title for table in tables] == ["The first answer at the sizes of charades-sta"]
    assert cell(tables, "charades-sta", "vslnet", "Import").text == "1.00 s"
    assert cell(tables, "charades-sta", "vslnet", "First query").text == "2.50 s"
    assert cell(tables, "charades-sta", "vslnet", "Whole").note is None
    assert "noisy" in (cell(tables, "charades-sta", "seqpan", "Whole").note or "")
    assert cell(tables, "charades-sta", "eamat", "Whole").text == "—"

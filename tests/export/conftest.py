"""Runs to export: the example of the report's tests, whole and changed."""

import copy
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.codec import decode
from bench.export.format import Rendering
from bench.export.formats import format_named
from bench.missing import Json, Missing
from bench.record import CaseRecord
from bench.run import Run

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tests/report/example_run.json"
RUN_FILES = [
    path
    for path in (EXAMPLE, *sorted((ROOT / "reports" / "reference").glob("*.json")))
    if '"emtm-bench/result"' in path.read_text("utf-8")[:200]
]
PLAIN = "emtm-student|charades-sta|single_stream|cpu|fp32|eager|t1|b1|l64"
NOISY = "eamat|tacos|single_stream|cpu|fp32|eager|t1|b1|l256"
FAILED = "emtm-student|charades-sta|single_stream|cpu|int8|dynamic|t1|b1|l64"
TRAINED = "emtm-student|synth-charades|single_stream|cpu|fp32|eager|t1|b1|l64|s0"
TRAINING = "emtm-student|charades-sta|train_step|cpu|fp32|eager|t2|b16|l64"
EVALUATION = "emtm-student|charades-sta|evaluation|cpu|fp32|eager|t2|b32|l64"
ONE_OF_EACH = (PLAIN, NOISY, FAILED, TRAINED, TRAINING, EVALUATION)


def few_cases() -> Run:
    """The example with one case of each kind."""
    doc: dict[str, Json] = json.loads(EXAMPLE.read_text("utf-8"))
    run = decode(Run, doc)
    return replace(run, cases=tuple(case for case in run.cases if case.case_id in ONE_OF_EACH))


@pytest.fixture
def example() -> Run:
    return few_cases()


@pytest.fixture
def example_doc() -> dict[str, Json]:
    found: dict[str, Json] = json.loads(EXAMPLE.read_text("utf-8"))
    return copy.deepcopy(found)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory in no repository."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rendered(name: str, run: Run, out: Path = Path("absent")) -> Rendering:
    """An export that is not written."""
    return format_named(name).render(run, out)


def case_of(run: Run, case_id: str) -> CaseRecord:
    return next(case for case in run.cases if case.case_id == case_id)


def changed(run: Run, case_id: str, change: Callable[[CaseRecord], CaseRecord]) -> Run:
    """The run with one case changed."""
    return replace(run, cases=tuple(change(case) if case.case_id == case_id else case for case in run.cases))


def with_macs(run: Run, macs: int) -> Run:
    """Every case with this many multiply-adds."""

    def change(case: CaseRecord) -> CaseRecord:
        return case if isinstance(case.compute, Missing) else replace(case, compute=replace(case.compute, macs=macs))

    return replace(run, cases=tuple(change(case) for case in run.cases))


def commits(folder: Path, count: int) -> list[str]:
    """A new repository with so many commits on its branch `main`, a day apart."""
    folder.mkdir(exist_ok=True)

    def git(*arguments: str, day: int = 1) -> str:
        when = f"2026-01-{day:02}T12:00:00Z"
        names = {f"GIT_{who}_{what}": "tester" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), **names}
        env |= {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        done = subprocess.run(["git", "-C", folder, *arguments], env=env, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    made = []
    for day in range(1, count + 1):
        git("commit", "--quiet", "--allow-empty", f"--message=day {day}", day=day)
        made.append(git("rev-parse", "HEAD"))
    return made

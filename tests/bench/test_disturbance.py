"""How much of a run was disturbed, and where it says so."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.disturbance import disturbance
from bench.export.selection import select
from bench.missing import Missing
from bench.record import CaseRecord, Noise
from emtm.errors import ExitCode
from tests.verdict.runs import case, failed, run, written

NAMES = ("emb", "eamat", "vslnet", "seqpan")


def cases(noisy: int) -> list[CaseRecord]:
    return [case(name, "tacos", noise="noisy" if i < noisy else "quiet") for i, name in enumerate(NAMES)]


@pytest.mark.parametrize(
    ("noisy", "verdict"), [(0, "quiet"), (1, "noisy"), (2, "noisy"), (3, "invalid"), (4, "invalid")]
)
def test_a_run_is_invalid_when_most_of_it_was_disturbed(noisy: int, verdict: str) -> None:
    found = disturbance([*cases(noisy), failed(case("cpl", "tacos", noise="noisy"))])
    assert (found.watched, found.disturbed, found.verdict) == (4, noisy, verdict)


def test_a_sweep_is_watched_for_itself() -> None:
    quiet = case("emb", "tacos", throughput={1: 2.0})
    assert not isinstance(quiet.throughput, Missing)
    swept = dataclasses.replace(quiet.throughput, noise=Noise(verdict="noisy", steal_pct=9.0))
    noisy = dataclasses.replace(quiet, throughput=swept)
    assert disturbance([quiet]).disturbed == 0
    assert disturbance([noisy]).disturbed == 1
    assert {left.what for left in select(run(noisy)).left_out} == {"throughput"}


@pytest.mark.parametrize(("noisy", "code"), [(2, ExitCode.FINE), (3, ExitCode.ENVIRONMENT)])
def test_an_invalid_run_says_so_first_and_in_its_exit_code_when_asked(
    noisy: int, code: ExitCode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(run(*cases(noisy)), tmp_path / "run.json")
    assert main([str(path), "--out", str(tmp_path / "report")]) == ExitCode.FINE
    assert capsys.readouterr().out.startswith("! INVALID: 3 of 4 timed cases") == (code != ExitCode.FINE)
    assert ("INVALID" in (tmp_path / "report" / "report.md").read_text("utf-8")) == (code != ExitCode.FINE)
    assert main([str(path), "--out", str(tmp_path / "report"), "--strict", "--json"]) == code
    (machine,) = json.loads(capsys.readouterr().out)["machine"].values()
    assert machine == ("noisy" if code == ExitCode.FINE else "invalid")

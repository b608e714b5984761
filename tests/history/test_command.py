"""The command itself: what it prints, writes, and exits with."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.cli.app import main
from tests.history.synthetic import Doc, case_doc, commit, run_doc, timed, write


def docs(runs: int = 60) -> list[Doc]:
    """The step of 5 % comes with run 25, another machine with run 40."""
    rng = np.random.default_rng(1)
    levels = [100 * (1.05 if i >= 25 else 1) * (1.12 if i >= 40 else 1) for i in range(runs)]
    return [
        run_doc(i, [case_doc(reference=timed(v * (1 + rng.normal(0, 0.01))))], cpu_model="New" if i >= 40 else "Old")
        for i, v in enumerate(levels)
    ]


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.report", "history", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def test_sixty_runs(tmp_path: Path) -> None:
    done = run(write(tmp_path / "runs", docs()), "--out", "site", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["runs"], found["cases"], found["environments"]) == (60, 1, 2)
    machine, step = found["change_points"]
    assert (step["verdict"], step["cause"], step["measure"]) == ("slower", "code", "latency")
    good, bad = ([commit(i) for i in range(60)].index(step[end]["commit"]) for end in ("last_good", "first_bad"))
    assert good < 25 <= bad and bad - good <= 3
    assert step["change_pct"] == pytest.approx(5, abs=1)
    assert (machine["cause"], machine["environment"]) == ("environment", ["processor Old → New"])
    assert (tmp_path / "site" / "index.html").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "site"}


def test_the_text_names_the_commits_and_the_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "runs", docs())
    assert main(["history", str(folder), "--out", str(tmp_path / "site")]) == 0
    text = capsys.readouterr().out
    assert re.search(rf"^2026-01-2.  {commit(24)[:10]}\.\.\w{{10}}  slower \+\d\.\d %: latency of toy", text, re.M)
    assert "together with the environment (processor Old → New)" in text
    assert "flat series" in text and "index.html" in text


def test_since_leaves_the_step_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "runs", docs(40))
    command = ["history", str(folder), "--out", str(tmp_path / "site"), "--json"]
    assert main([*command, "--since", "2026-01-27"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["runs"] == 14 and found["change_points"] == []


def test_a_damaged_file_is_named_and_exits_with_seven(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "runs", docs(4))
    (folder / "cut\x1b[31m.json").write_text('{"schema"')
    (folder / "study.json").write_text("{}")
    assert main(["history", str(folder), "--out", str(tmp_path / "site")]) == 7
    error = capsys.readouterr().err
    assert "warning: cut�[31m.json is left out, not valid JSON" in error
    assert "note: study.json is left out" in error
    assert "cut�[31m.json" in (tmp_path / "site" / "index.html").read_text("utf-8")


def test_other_files_exit_with_zero(tmp_path: Path) -> None:
    folder = write(tmp_path / "runs", docs(4))
    (folder / "study.json").write_text("{}")
    assert main(["history", str(folder), "--out", str(tmp_path / "site")]) == 0


@pytest.mark.parametrize(
    "arguments", [["absent"], ["empty"], ["runs", "--since", "soon"], ["runs", "--out", "precious"], ["runs", "--no"]]
)
def test_mistakes_exit_with_two_and_write_nothing(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "runs", docs(2))
    (tmp_path / "empty").mkdir()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.tex").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert main(["history", *arguments]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_new_site_replaces_the_old_one_whole(tmp_path: Path) -> None:
    out = tmp_path / "site"
    for runs in (6, 4):
        case = case_doc(f"case{runs}|smoke", reference=timed(5))
        folder = write(tmp_path / f"runs{runs}", [run_doc(i, [case]) for i in range(runs)])
        assert main(["history", str(folder), "--out", str(out)]) == 0
    assert [path.name[:5] for path in (out / "cases").iterdir()] == ["case4"]


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "--help"]) == 0
    assert "Example: python -m bench.report history" in capsys.readouterr().out

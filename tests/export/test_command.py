"""`python -m bench.report export`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.export.formats import FORMATS
from bench.missing import Json
from tests.export.conftest import EXAMPLE, NOISY, ROOT


def test_the_command_itself_writes_and_says_what_it_left_out(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.report", "export", "--to", "asv", EXAMPLE, "--out", tmp_path / "asv"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "223 figures of 29 cases" in done.stdout
    assert f"left out: {NOISY}: latency and 1 more: measured while the machine was noisy" in done.stdout
    assert "not in a repository here" in done.stderr
    assert (tmp_path / "asv" / "results" / "benchmarks.json").is_file()


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
def test_json_names_files_and_what_is_not_in_them(
    kind: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = getattr(kind, "name", "")
    assert main(["export", "--to", name, str(EXAMPLE), "--out", str(tmp_path / "deep" / "out"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert all(Path(path).is_file() for path in summary["files"])
    assert {"case_id": NOISY, "what": "latency", "reason": "measured while the machine was noisy"} in summary[
        "left_out"
    ]


def one_sentence(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize(("name", "says"), [("gabb", "did you mean 'gab'"), ("excel", "known: gab, bencher, asv")])
def test_an_unknown_format_is_one_sentence(
    name: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--to", name, str(EXAMPLE), "--out", str(tmp_path / "out")]) == 2
    assert says in one_sentence(capsys)
    assert list(tmp_path.iterdir()) == []


def test_what_is_in_the_way_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    for name, out in (("gab", "file"), ("csv", "file/below"), ("junit", ".")):
        assert main(["export", "--to", name, str(EXAMPLE), "--out", str(tmp_path / out)]) == 2
        one_sentence(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


def test_the_run_file_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run.json"
    run.write_bytes(EXAMPLE.read_bytes())
    assert main(["export", "--to", "bencher", str(run), "--out", str(run)]) == 2
    assert "give --out another name" in one_sentence(capsys)
    assert run.read_bytes() == EXAMPLE.read_bytes()


def test_a_run_file_that_is_none_exits_as_elsewhere(
    example_doc: dict[str, Json], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del example_doc["env"]
    (tmp_path / "bad.json").write_text(json.dumps(example_doc))
    assert main(["export", "--to", "csv", str(tmp_path / "bad.json"), "--out", str(tmp_path / "out")]) == 7
    assert main(["export", "--to", "csv", str(tmp_path / "absent.json"), "--out", str(tmp_path / "out")]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_time_that_is_none_is_one_sentence(
    example_doc: dict[str, Json], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example_doc["created_utc"] = "2026-13-45T99:00:00Z"
    (tmp_path / "run.json").write_text(json.dumps(example_doc))
    assert main(["export", "--to", "openmetrics", str(tmp_path / "run.json"), "--out", str(tmp_path / "out")]) == 2
    assert "which is no time" in one_sentence(capsys)


def test_an_older_file_of_the_other_direction_goes(
    example_doc: dict[str, Json], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gab"
    assert main(["export", "--to", "gab", str(EXAMPLE), "--out", str(out)]) == 0
    (out / "notes.txt").write_text("mine")
    cases = example_doc["cases"]
    assert isinstance(cases, list)
    example_doc["cases"] = [case for case in cases if isinstance(case, dict) and "training" in case]
    (tmp_path / "run.json").write_text(json.dumps(example_doc))
    assert main(["export", "--to", "gab", str(tmp_path / "run.json"), "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"gab-smaller.json", "notes.txt"}


def test_help_names_every_format_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--help"]) == 0
    text = capsys.readouterr().out
    assert "python -m bench.report export --to gab" in text
    assert all(kind.summary in text for kind in FORMATS)

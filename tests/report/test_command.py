import json
import shutil
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.report.content.runs import newest
from bench.report.formats.folder import replace_folder
from emtm.errors import UserError
from tests.report.conftest import Doc


@pytest.fixture
def small_run(doc: Doc, tmp_path: Path) -> Path:
    """A run that draws no figure, so that commands are quick."""
    doc["cases"] = [case for case in doc["cases"] if case["status"] == "failed" or "training" in case]
    path = tmp_path / "small.json"
    path.write_text(json.dumps(doc))
    return path


def test_a_run_file_alone_is_a_report(small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "report"
    assert main([str(small_run), "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"report.html", "report.md", "results.csv", "tables"}
    assert "report.html" in capsys.readouterr().out


def test_json_names_the_files(small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(small_run), "--out", str(tmp_path / "report"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["cases"] == {"failed": 1, "ok": 2}
    assert str(tmp_path / "report" / "report.html") in summary["files"]


def test_no_argument_takes_the_newest_run(small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "reports" / "runs"
    runs.mkdir(parents=True)
    shutil.copy(small_run, runs / "run.json")
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    assert (tmp_path / "reports" / "latest" / "report.html").is_file()


def test_no_run_at_all_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "no run to report" in error


def test_the_users_runs_come_first_and_the_date_inside_decides(tmp_path: Path) -> None:
    runs, reference = tmp_path / "runs", tmp_path / "reference"
    for path, created in (
        (runs / "z.json", "2026-01-01"),
        (runs / "a.json", "2026-02-01"),
        (reference / "r.json", "2027"),
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"created_utc": created}))
    assert newest((runs, reference)).name == "a.json"
    assert newest((tmp_path / "none", reference)).name == "r.json"


def test_validate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "reports/reference/train-step.json"]) == 0
    assert "follows emtm-bench/result 1.0.0" in capsys.readouterr().out


def test_validate_refuses_with_seven(doc: Doc, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del doc["env"]
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(doc))
    assert main(["validate", str(path)]) == 7
    assert "env" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["validate", "absent.json"], ["absent.json"], ["--nonsense"]])
def test_mistakes_exit_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main(["validate", "--help"]) == 0
    assert "Example: python -m bench.report validate" in capsys.readouterr().out


def test_a_file_in_the_way_is_one_sentence(small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert main([str(small_run), "--out", str(tmp_path / "file" / "report")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="not a report"):
        replace_folder({"report.html": b""}, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_a_new_report_replaces_the_old_one_whole(tmp_path: Path) -> None:
    out = tmp_path / "latest"
    replace_folder({"report.html": b"old", "figures/old.svg": b""}, out)
    replace_folder({"report.html": b"new"}, out)
    assert [path.relative_to(out).as_posix() for path in out.rglob("*")] == ["report.html"]
    assert [path.name for path in tmp_path.iterdir()] == ["latest"]


def test_a_failed_write_leaves_the_old_report(tmp_path: Path) -> None:
    out = tmp_path / "latest"
    replace_folder({"report.html": b"old"}, out)
    with pytest.raises(UserError, match="cannot write"):
        replace_folder({"report.html": b"new", "report.html/below": b""}, out)
    assert (out / "report.html").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["latest"]


def test_what_lies_beside_runs_and_is_none_is_never_the_newest(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"schema": "emtm-bench/result", "created_utc": "2026-01-01T00:00:00Z"}')
    (tmp_path / "study.json").write_text('{\n "format": "emtm-study/1", "created_utc": "2026-02-01T00:00:00Z"}')
    assert newest([tmp_path]) == tmp_path / "run.json"
    (tmp_path / "run.json").unlink()
    with pytest.raises(UserError, match="no run to report yet"):
        newest([tmp_path])

"""Order, files that are no runs, and cases that come and go."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.history.folder import Folder, commit_times, read_folder
from bench.history.series import by_case
from emtm.errors import UserError
from tests.history.conftest import Load
from tests.history.synthetic import Doc, case_doc, commit, failed_doc, noise, params, run_doc, timed, write


def read(folder: Path, since_s: int | None = None) -> Folder:
    return read_folder(folder, since_s, lambda done: None)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], str]:
    """A repository in the current directory, with a function that makes a commit at a time and gives its name."""
    top = tmp_path / "repository"
    top.mkdir()
    monkeypatch.chdir(top)
    subprocess.run(["git", "init", "-q"], check=True)

    def make(time: int) -> str:
        stamps = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{time} +0000")
        who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
        subprocess.run(
            ["git", *who, "commit", "-q", "--allow-empty", "-m", "x"], check=True, env={**os.environ, **stamps}
        )
        return subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()

    return make


def test_runs_stand_in_the_order_of_their_commits(repository: Callable[[int], str], tmp_path: Path) -> None:
    early, late = repository(1_600_000_000), repository(1_700_000_000)
    docs = [run_doc(0, [], commit=late), run_doc(1, [], commit=early)]
    found = read(write(tmp_path / "runs", docs)).runs
    assert [run.commit for run in found] == [early, late]
    assert [run.time_s for run in found] == [1_600_000_000, 1_700_000_000]


def test_a_commit_git_does_not_know_stands_by_its_run(repository: Callable[[int], str], tmp_path: Path) -> None:
    known = repository(int(datetime(2026, 1, 2, tzinfo=UTC).timestamp()))
    docs = [run_doc(2, []), run_doc(9, [], commit=known), run_doc(0, [])]
    assert [run.commit for run in read(write(tmp_path / "runs", docs)).runs] == [commit(0), known, commit(2)]


def test_without_git_the_runs_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert commit_times([commit(0)]) == {}
    found = read(write(tmp_path / "runs", [run_doc(i, []) for i in (2, 0, 1)])).runs
    assert [run.commit for run in found] == [commit(0), commit(1), commit(2)]


def test_a_commit_that_is_no_hash_never_reaches_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("git was asked"))
    assert commit_times(["--output=/tmp/x", "HEAD", "abc"]) == {}


def test_a_damaged_file_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = write(tmp_path / "runs", [run_doc(0, []), run_doc(1, [])])
    (folder / "cut.json").write_text('{"schema": "emtm-bench/result", "run')
    (folder / "edited.json").write_text('{"schema": "emtm-bench/result", "schema_version": "1.0.0"}')
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "bytes.json").write_bytes(b"\xff\xfe\x00")
    (folder / "study.json").write_text('{"models": []}')
    (folder / "notes.txt").write_text("no run")
    day = run_doc(2, [])
    day["created_utc"] = "2026-13-99T99:99:99Z"
    write(folder, [day])
    found = read(folder)
    assert len(found.runs) == 2
    damaged = {file.file for file in found.skipped if file.damaged}
    assert {"cut.json", "edited.json", "deep.json", "bytes.json"} < damaged and len(damaged) == 5
    assert [file.file for file in found.skipped if not file.damaged] == ["study.json"]


def test_a_run_that_two_files_hold_counts_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "runs", [run_doc(0, [])])
    (original,) = folder.iterdir()
    (folder / "zz-copy.json").write_bytes(original.read_bytes())
    found = read(folder)
    assert len(found.runs) == 1
    assert [(file.file, file.damaged) for file in found.skipped] == [("zz-copy.json", False)]


def test_since_leaves_out_what_is_older(tmp_path: Path) -> None:
    folder = write(tmp_path / "runs", [run_doc(i, []) for i in range(10)])
    since = int(datetime(2026, 1, 6, tzinfo=UTC).timestamp())
    assert [run.commit for run in read(folder, since).runs] == [commit(i) for i in range(5, 10)]


@pytest.mark.parametrize("docs", [[], [run_doc(0, [])]])
def test_no_run_is_one_sentence(tmp_path: Path, docs: list[Doc]) -> None:
    folder = write(tmp_path / "runs", docs)
    with pytest.raises(UserError, match="no run file"):
        read(folder, 2**33)
    with pytest.raises(UserError, match="not a folder"):
        read(folder / "absent")


def test_failed_and_missing_cases_have_gaps(load: Load) -> None:
    ok, failed = case_doc(reference=timed(100)), failed_doc(case_doc()["case_id"], "boom")
    cases = [[], [ok], [ok], [], [], [failed], [failed]]
    (case,) = load([run_doc(i, found) for i, found in enumerate(cases)]).cases
    assert case.outcomes == ("missing", "ok", "ok", "missing", "missing", "failed", "failed")
    assert [(g.first, g.last, g.what, g.reason) for g in case.gaps] == [
        (3, 4, "missing", "not in the run file"),
        (5, 6, "failed", "boom"),
    ]


def test_a_case_in_another_file_of_the_same_commit_is_not_missing(load: Load) -> None:
    one, two = case_doc("one|smoke", params=params(1)), case_doc("two|smoke", params=params(2))
    docs = [run_doc(i, [two if i % 2 else one], commit=commit(i // 2)) for i in range(6)]
    first, second = load(docs).cases
    assert first.outcomes == ("ok", "elsewhere") * 3
    assert second.outcomes == ("elsewhere", "ok") * 3
    assert first.gaps == second.gaps == ()


def test_a_figure_that_is_not_always_measured_says_why(load: Load) -> None:
    bare = case_doc(reference=None, reference_reason="too dear")
    docs = [run_doc(i, [case_doc(reference=timed(5)) if i else bare]) for i in range(3)]
    (case,) = load(docs).cases
    assert [(g.first, g.last, g.what, g.reason) for g in case.gaps] == [(0, 0, "latency", "too dear")]


def test_environments_are_told_apart_by_what_matters(load: Load) -> None:
    kinds = [{}, {}, {"torch": "2.14.0"}, {}, {"cpu_model": "New"}]
    history = load([run_doc(i, [], **kind) for i, kind in enumerate(kinds)])
    assert history.environment_of == (0, 0, 1, 0, 2)  # though the kernel reported a little more memory every day


def test_noise_marks_times_and_not_exact_figures(load: Load) -> None:
    case = case_doc(reference=timed(5), params=params(7), noise=noise("noisy"))
    (found,) = load([run_doc(0, [case])]).cases
    marks = {series.measure.name: series.points[0].noisy for series in found.series}
    assert marks["latency"] is True and marks["parameters"] is False


def test_absurd_numbers_are_not_drawn(tmp_path: Path) -> None:
    tiny = timed(5) | {"gemm_s": 5e-324}
    folder = write(tmp_path / "runs", [run_doc(0, [case_doc(reference=tiny, params=params(10**400))])])
    assert [s.measure.name for s in by_case(read(folder)).cases[0].series] == ["unreachable parameters"]

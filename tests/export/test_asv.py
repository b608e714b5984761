"""airspeed velocity's folder."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bench.export.asv import machine_name
from bench.export.output import write
from bench.missing import Missing
from bench.record import CaseRecord, Noise
from bench.run import Run
from emtm.errors import UserError
from tests.export.conftest import EVALUATION, FAILED, NOISY, PLAIN, TRAINED, changed, commits, rendered, with_macs

Doc = dict[str, Any]


@pytest.fixture
def history(outside: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Commits of a repository that is the working directory."""
    made = commits(outside / "repository", 3)
    monkeypatch.chdir(outside / "repository")
    return made


def at(run: Run, commit: str | Missing, dirty: bool = False) -> Run:
    return replace(run, suite=replace(run.suite, commit=commit, dirty=dirty))


def export(run: Run, out: Path) -> tuple[str, ...]:
    rendering = rendered("asv", run, out)
    write(rendering, out)
    return rendering.notes


def results(out: Path) -> list[Doc]:
    files = sorted(path for path in (out / "results").glob("*/*.json") if path.name != "machine.json")
    return [json.loads(path.read_text()) for path in files]


def cells(result: Doc, name: str, column: str = "result") -> dict[str, Any]:
    row = dict(zip(result["result_columns"], result["results"][name], strict=False))
    return dict(zip(row["params"][0], row[column], strict=True))


def parameter(case_id: str) -> str:
    return repr(case_id.replace("|", "/"))


def test_a_case_is_a_parameter_and_more_is_worse(example: Run, history: list[str], tmp_path: Path) -> None:
    assert export(at(example, history[0]), tmp_path / "asv") == ()
    (result,) = results(tmp_path / "asv")
    assert cells(result, "time.latency")[parameter(PLAIN)] == 0.006057
    assert cells(result, "time.best_query")[parameter(PLAIN)] == pytest.approx(1 / 246.1)
    assert cells(result, "static.macs")[parameter(PLAIN)] == 52300000
    measured = next(case for case in example.cases if case.case_id == TRAINED).quality
    assert not isinstance(measured, Missing)
    assert cells(result, "error.miou")[parameter(TRAINED)] == 100 - measured.miou
    assert all(case not in str(result) for case in (parameter(FAILED), parameter(EVALUATION)))
    assert parameter(NOISY) not in cells(result, "time.latency")


def test_one_of_two_marks_jumps_up_with_any_change_of_a_count(example: Run, history: list[str], tmp_path: Path) -> None:
    marks = []
    for macs in range(52_300_000, 52_300_016):
        export(at(with_macs(example, macs), history[0]), tmp_path / "asv")
        (result,) = results(tmp_path / "asv")
        names = ("static.macs_mark", "static.macs_countermark")
        marks.append([cells(result, name)[parameter(PLAIN)] for name in names])
    for before, after in pairwise(marks):
        assert max(new / old for old, new in zip(before, after, strict=True)) > 1.001
        assert 1 <= min(after) <= max(after) <= 2**20


def test_a_result_belongs_to_its_commit_and_machine(example: Run, history: list[str], tmp_path: Path) -> None:
    export(at(example, history[1]), tmp_path / "asv")
    (result,) = results(tmp_path / "asv")
    (folder,) = (path.parent for path in (tmp_path / "asv/results").glob("*/machine.json"))
    machine = json.loads((folder / "machine.json").read_text())
    assert machine["machine"] == folder.name == result["params"]["machine"]
    assert (result["commit_hash"], result["date"]) == (history[1], 1767355200000)
    assert (folder / f"{history[1][:8]}-emtm-bench.json").is_file()
    assert result["params"]["tree"] == "clean"


def test_statistics_come_together_or_not_at_all(example: Run, history: list[str], tmp_path: Path) -> None:
    export(at(example, history[0]), tmp_path / "asv")
    (result,) = results(tmp_path / "asv")
    low, high = (cells(result, "time.latency", f"stats_ci_99_{end}")[parameter(PLAIN)] for end in "ab")
    first, third = (cells(result, "time.latency", f"stats_q_{end}")[parameter(PLAIN)] for end in (25, 75))
    assert (low, high) == (0.005984, 0.006144)
    assert 0.00585 <= first < third <= 0.00613
    for row in result["results"].values():
        assert len(row) in (5, 11)


def test_runs_of_several_commits_gather(example: Run, history: list[str], tmp_path: Path) -> None:
    out = tmp_path / "asv"
    few = replace(example, cases=tuple(case for case in example.cases if case.case_id == PLAIN))
    export(at(few, history[0]), out)
    export(at(with_macs(example, 7), history[1]), out)
    export(at(few, history[2]), out)
    assert {result["commit_hash"] for result in results(out)} == set(history)
    benchmarks = json.loads((out / "results/benchmarks.json").read_text())
    cases = benchmarks["static.macs"]["params"][0]
    assert cases[0] == parameter(PLAIN)
    assert set(cases) >= {parameter(NOISY), parameter(TRAINED)}
    assert benchmarks["version"] == 2
    for result in results(out):
        for name in result["results"]:
            assert set(cells(result, name)) <= set(benchmarks[name]["params"][0])


def test_the_same_run_twice_changes_nothing(example: Run, history: list[str], tmp_path: Path) -> None:
    out = tmp_path / "asv"
    export(at(example, history[0]), out)
    before = {path: path.read_bytes() for path in out.rglob("*.json")}
    export(at(example, history[0]), out)
    assert {path: path.read_bytes() for path in out.rglob("*.json")} == before


def test_a_second_run_of_a_commit_replaces_what_it_measured(example: Run, history: list[str], tmp_path: Path) -> None:
    out = tmp_path / "asv"
    export(at(example, history[0]), out)
    (before,) = results(out)
    noisy = changed(example, PLAIN, lambda case: replace(case, noise=Noise(verdict="noisy")))
    export(at(with_macs(noisy, 5), history[0]), out)
    (after,) = results(out)
    assert cells(after, "static.macs")[parameter(PLAIN)] == 5
    for column in ("result", "stats_ci_99_a", "stats_q_75"):
        assert cells(after, "time.latency", column) == cells(before, "time.latency", column)


def test_a_configuration_of_the_user_is_left_alone(example: Run, history: list[str], tmp_path: Path) -> None:
    out = history and tmp_path / "repository" / "asv"
    assert isinstance(out, Path)
    export(at(example, history[0]), out)
    made = json.loads((out / "asv.conf.json").read_text())
    assert (made["repo"], made["branches"]) == ("..", ["main"])
    (out / "asv.conf.json").write_text("// mine")
    export(at(example, history[1]), out)
    assert (out / "asv.conf.json").read_text() == "// mine"


def test_a_short_commit_is_completed_and_said(example: Run, history: list[str], tmp_path: Path) -> None:
    (note,) = export(at(example, history[1][:9]), tmp_path / "asv")
    assert history[1] in note
    assert results(tmp_path / "asv")[0]["commit_hash"] == history[1]


def test_a_commit_on_no_branch_is_said(example: Run, history: list[str], tmp_path: Path) -> None:
    made = commits(tmp_path / "repository", 1)  # A commit behind the others: no longer the first one of a fresh clone.
    assert made
    other = commits(tmp_path / "elsewhere", 2)[-1]
    (note,) = export(at(example, other[:-1] + "0"), tmp_path / "asv")
    assert "not in a repository here" in note


def test_an_unknown_commit_has_the_date_of_the_run(example: Run, outside: Path) -> None:
    (note,) = export(at(example, "a" * 40), outside / "asv")
    assert "date of the run" in note
    assert results(outside / "asv")[0]["date"] == 1795374000000


def test_a_dirty_tree_is_a_series_of_its_own(example: Run, history: list[str], tmp_path: Path) -> None:
    out = tmp_path / "asv"
    export(at(example, history[0]), out)
    (note,) = export(at(with_macs(example, 5), history[0], dirty=True), out)
    assert "series of their own" in note
    trees = {result["params"]["tree"]: cells(result, "static.macs")[parameter(PLAIN)] for result in results(out)}
    assert trees == {"clean": 52300000, "dirty": 5}


@pytest.mark.parametrize(
    ("commit", "says"),
    [
        (Missing("not a git checkout"), "not a git checkout"),
        ("abc1234", "needs all 40 digits"),
        ("--upload-pack=x", "needs all 40 digits"),
        ("a" * 40 + "\n", "needs all 40 digits"),
    ],
)
@pytest.mark.usefixtures("history")
def test_a_run_without_a_place_is_refused(example: Run, commit: str | Missing, says: str) -> None:
    with pytest.raises(UserError, match=says):
        rendered("asv", at(example, commit))


@pytest.mark.parametrize("text", ["[]", "{", '{"time.latency": 3}', '{"time.latency": {"params": 3}}'])
def test_a_folder_of_something_else_is_left_alone(example: Run, history: list[str], tmp_path: Path, text: str) -> None:
    path = tmp_path / "asv" / "results" / "benchmarks.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(UserError, match="give --out another folder"):
        export(at(example, history[0]), tmp_path / "asv")
    assert [path for path in (tmp_path / "asv").rglob("*") if path.is_file()] == [path]


def test_benchmarks_of_others_stay(example: Run, history: list[str], tmp_path: Path) -> None:
    path = tmp_path / "asv" / "results" / "benchmarks.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"theirs": {"name": "theirs", "params": []}, "version": 2}')
    export(at(example, history[0]), tmp_path / "asv")
    assert json.loads(path.read_text())["theirs"] == {"name": "theirs", "params": []}


def test_machines_are_told_apart_by_what_they_are_built_of(example: Run) -> None:
    hardware = example.env.hardware
    name = machine_name(hardware)
    assert name.startswith("intel-xeon-2-60-ghz-")
    assert machine_name(replace(hardware, ram_bytes=hardware.ram_bytes + 4096)) == name
    assert machine_name(replace(hardware, cores_logical=64)) != name
    assert "/" not in machine_name(replace(hardware, cpu_model="../../etc"))
    assert machine_name(replace(hardware, cpu_model="…")).startswith("machine-")


def test_texts_that_asv_puts_into_its_page_are_escaped(example: Run, history: list[str], tmp_path: Path) -> None:
    hardware = replace(example.env.hardware, cpu_model="<img src=x onerror=alert(1)>")
    hostile = replace(at(example, history[0]), env=replace(example.env, hardware=hardware))
    export(hostile, tmp_path / "asv")
    (path,) = (tmp_path / "asv/results").glob("*/machine.json")
    assert "<" not in path.read_text()


def test_a_perfect_score_is_no_error_and_nothing_else_is_0(example: Run, history: list[str], tmp_path: Path) -> None:
    def perfect(case: CaseRecord) -> CaseRecord:
        assert not isinstance(case.quality, Missing)
        return replace(case, quality=replace(case.quality, miou=100.0, ci95=Missing("none")))

    export(at(changed(example, TRAINED, perfect), history[0]), tmp_path / "asv")
    assert cells(results(tmp_path / "asv")[0], "error.miou") == {parameter(TRAINED): 0.0}

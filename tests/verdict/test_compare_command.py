"""`compare` as it is run: every exit code, the first line, JSON."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.compare.judging import SESSIONS
from bench.consistency import read_consistent
from bench.missing import known
from bench.run import Run
from tests.verdict.runs import case, failed, run, written

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "reports" / "reference"
A, B = case("a"), case("b")
BASE = run(A, B)
RENAMED = run(A, case("c"))
ELSEWHERE = run(A, B, cpu="Xeon")

TABLE: dict[str, tuple[Run, list[str], int, str]] = {
    "the same": (run(A, B, at="20261124T000000Z"), [], 0, "SAME: "),
    "another torch": (run(A, B, torch="2.14.0"), [], 0, "SAME: "),
    "better": (run(case("a", params=999_999), B), [], 0, "CHANGED: 1 exact figure changed, 3 exact figures better"),
    "faster": (run(case("a", seconds=0.005), B), [], 0, "FASTER: 1 timing faster"),
    "slower": (run(case("a", seconds=0.02), B), [], 3, "SLOWER: 1 timing slower"),
    "worse": (run(case("a", macs=100_000_001), B), [], 3, "WORSE: "),
    "missing": (run(A), [], 4, "MISSING: 1 case missing"),
    "extra": (run(A, B, case("c")), [], 4, "EXTRA: 1 case extra"),
    "renamed": (RENAMED, [], 4, "MISSING: 1 case missing, 1 case extra"),
    "broken": (run(A, failed(B)), [], 4, "NEWLY FAILING: 1 case newly failing"),
    "skipped": (run(A, failed(B, "skipped")), [], 4, "NEWLY FAILING: "),
    "another machine": (ELSEWHERE, [], 5, "REFUSED: 2 timings refused"),
    "another machine, softly": (ELSEWHERE, ["--soft"], 0, "REFUSED: 2 timings refused"),
    "across machines": (ELSEWHERE, ["--across-machines"], 0, "SAME: "),
    "noisy": (run(case("a", noise="noisy"), B), [], 6, "INCONCLUSIVE: 1 timing inconclusive"),
    "noisy, softly": (run(case("a", noise="noisy"), B), ["--soft"], 0, "INCONCLUSIVE: "),
    "renamed, softly": (RENAMED, ["--soft"], 4, "MISSING: "),
    "slower, not asked": (run(case("a", seconds=0.02), B), ["-k", "b|charades"], 0, "SAME: 1 case, "),
    "renamed, not asked": (RENAMED, ["-k", "a|charades"], 0, "SAME: 1 case, "),
    "slower by less than matters": (run(case("a", seconds=0.013), B), ["--min-effect", "50"], 0, "SAME: "),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(BASE, tmp_path_factory.mktemp("base") / "base.json")


@pytest.mark.parametrize("name", TABLE)
def test_exit_codes_and_first_lines(name: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, options, code, first = TABLE[name]
    head = written(found, tmp_path / "head.json")
    assert main(["compare", str(base), str(head), *options]) == code
    said = capsys.readouterr()
    assert said.out.startswith(first), said.out
    assert ("warning: " in said.err) == ("softly" in name and code == 0)
    # Every way of showing it ends alike.
    for form in ("--json", "--markdown"):
        assert main(["compare", str(base), str(head), *options, form]) == code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare"], "Missing argument"),
        (["compare", "BASE", "absent.json"], "cannot read absent.json"),
        (["compare", "BASE", "BASE", "--json", "--markdown"], "exclude each other"),
        (["compare", "BASE", "BASE", "-k", "nothing-of-the-kind"], "no case of either run is meant"),
        (["compare", "BASE", "BASE", "-k", "a and"], "does not parse"),
        (["compare", "BASE", "BASE", "--min-effect", "-1"], "min-effect"),
        (["compare", "BASE", "BASE", "--nonsense"], "No such option"),
        (["comparison", "BASE", "BASE"], "No such command 'comparison'"),
        (["absent.json"], "cannot read absent.json"),
    ],
)
def test_mistakes_exit_with_two(
    arguments: list[str], said: str, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(base) if argument == "BASE" else argument for argument in arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("which", ["base", "head"])
def test_a_file_that_is_no_run_or_contradicts_itself_exits_with_seven(
    which: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = base.read_text("utf-8")
    edits = {
        "NaN": text.replace('"median": 0.01', '"median": NaN'),
        "edited": text.replace('"median": 0.01', '"median": 0.009'),
        "no run": json.dumps({"schema": "something else"}),
        "of another major version": text.replace('"schema_version": "1.0.0"', '"schema_version": "2.0.0"'),
    }
    for name, edited in edits.items():
        path = tmp_path / f"{name}.json"
        path.write_text(edited, "utf-8")
        files = [str(path), str(base)] if which == "base" else [str(base), str(path)]
        assert main(["compare", *files]) == 7, name
        assert main(["compare", *files, "--soft"]) == 7, name
        error = capsys.readouterr().err
        assert error.startswith("error: ") and path.name in error and "Traceback" not in error


def test_json_holds_everything(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = written(run(case("a", seconds=0.02), B), tmp_path / "head.json")
    main(["compare", str(base), str(head), "--json"])
    doc = json.loads(capsys.readouterr().out)
    assert (doc["schema"], doc["verdict"], doc["exit_code"]) == ("emtm-bench/comparison", "slower", 3)
    assert doc["base"]["run_id"] == BASE.run_id
    assert sum(doc["counts"].values()) == len(doc["findings"])
    (slow,) = (finding for finding in doc["findings"] if finding["verdict"] == "slower")
    assert (slow["figure"], slow["case_id"], slow["unit"]) == ("latency", A.case_id, "s")
    assert slow["change"] == pytest.approx(2)
    assert slow["interval"][0] < 2 < slow["interval"][1]
    assert 1 < slow["called_from"] < 2
    assert doc["resolution"][0]["figure"] == "latency"
    assert doc["machines"]["same"]


def test_json_says_the_code_that_the_command_ends_with(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = written(ELSEWHERE, tmp_path / "head.json")
    main(["compare", str(base), str(head), "--json", "--soft"])
    doc = json.loads(capsys.readouterr().out)
    assert (doc["verdict"], doc["exit_code"], doc["machines"]["same"]) == ("refused", 0, False)


def test_the_text_names_case_figure_values_and_reason(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = replace(run(case("a", seconds=0.02), case("b", noise="noisy")), run_id="20261123T101911Z-aaaaaa")
    main(["compare", str(base), str(written(slow, tmp_path / "head.json"))])
    out = capsys.readouterr().out
    assert A.case_id in out
    assert "10.0 ms → 20.0 ms, ×2.00 [" in out
    assert "newly noisy: noisy (0.0 % of the time stolen, the reference product drifted ×1.20)" in out
    assert f"Newly noisy: {B.case_id}" in out
    assert "latency, 1 case: one is called from ×1.20 on; too few twins" in out


def test_the_process_ends_with_the_code_and_says_nothing_else(tmp_path: Path) -> None:
    path = next(REFERENCE.glob("2*.json"))
    done = compare_in_a_process(path, path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("SAME: 57 cases, ")
    done = compare_in_a_process(path, written(run(A), tmp_path / "head.json"))
    assert (done.returncode, done.stderr) == (4, "")
    assert done.stdout.startswith("MISSING: 57 cases missing, 1 case extra")


def test_two_sessions_of_one_code_do_not_cry_wolf(capsys: pytest.CaptureFixture[str]) -> None:
    """Their intervals do not overlap, by up to 17 % of the time: it cannot be told, in both directions."""
    early, late = str(REFERENCE / "train-step-earlier.json"), str(REFERENCE / "train-step.json")
    for files in ((early, late), (late, early)):
        assert main(["compare", *files]) == 6
        verdict, _, same = capsys.readouterr().out.splitlines()[0].partition("; the same: ")
        assert (verdict, same) == ("INCONCLUSIVE: 1 timing inconclusive", "6 cases, 6 exact figures, 5 timings")
    assert main(["compare", early, late, "--soft"]) == 0
    assert capsys.readouterr().err == "warning: some figures could not be told apart (exit 6 without --soft)\n"


def test_what_sessions_are_granted_is_more_than_these_two_differ_by() -> None:
    runs = [read_consistent(REFERENCE / name) for name in ("train-step-earlier.json", "train-step.json")]
    ratios = [
        {one.case_id: reference.ratio for one in run.cases if (reference := known(one.reference))} for run in runs
    ]
    apart = [abs(math.log(ratios[1][name] / ratio)) for name, ratio in ratios[0].items()]
    assert len(apart) == 6
    assert 0.15 < max(apart) < SESSIONS


def compare_in_a_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.report", "compare", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)

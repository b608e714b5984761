"""What others' programs make of our exports."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.export.formats import format_named
from bench.export.output import write
from bench.missing import Missing
from bench.record import CaseRecord
from bench.results import read_run
from bench.run import Run
from tests.export import consumers
from tests.export.conftest import (
    FAILED,
    PLAIN,
    ROOT,
    RUN_FILES,
    TRAINED,
    changed,
    commits,
    rendered,
    with_macs,
)
from tests.processes import outside_xdist
from tests.shared import SHARED, needs_shared

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return consumers.make(tmp_path_factory.mktemp("consumers") / "venv")


def run_of(command: Sequence[str | Path], cwd: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def export_asv(runs: Sequence[Run], history: Sequence[str], out: Path) -> None:
    for run, commit in zip(runs, history, strict=True):
        clean = replace(run, suite=replace(run.suite, commit=commit, dirty=False))
        write(format_named("asv").render(clean, out), out)


def with_miou(run: Run, miou: float) -> Run:
    def change(case: CaseRecord) -> CaseRecord:
        assert not isinstance(case.quality, Missing)
        return replace(case, quality=replace(case.quality, miou=miou, ci95=Missing("none")))

    return changed(run, TRAINED, change)


def slower(run: Run, factor: float) -> Run:
    def change(case: CaseRecord) -> CaseRecord:
        latency = case.latency
        assert not isinstance(latency, Missing)
        assert not isinstance(latency.median_ci99, Missing)
        low, high = latency.median_ci99
        times = {"median": latency.median * factor, "median_ci99": (low * factor, high * factor)}
        return replace(case, latency=replace(latency, **times, samples=tuple(s * factor for s in latency.samples)))

    return changed(run, PLAIN, change)


def regressions(html: Path) -> set[str]:
    found: dict[str, Any] = json.loads((html / "regressions.json").read_text())
    return {entry[0] for entry in found["regressions"]}


def published(scripts: Path, out: Path, html: Path) -> str:
    return run_of([scripts / "asv", "publish", "--config", out / "asv.conf.json", "--no-pull", "-o", html], out)


def test_asv_draws_all_and_finds_steps_either_way(
    scripts: Path, example: Run, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = commits(outside / "repository", 16)
    monkeypatch.chdir(outside / "repository")
    out, html = outside / "repository" / "asv", outside / "html"
    late = [day >= 10 for day in range(16)]
    runs = [
        slower(
            with_miou(with_macs(example, 52_200_000 if step else 52_300_000), 70 if step else 75), 1.1 if step else 1
        )
        for step in late
    ]
    export_asv(runs, history, out)
    log = published(scripts, out, html)
    assert not re.search("Couldn't find|Skipping results|Error loading|malformed", log)
    index = json.loads((html / "index.json").read_text())
    assert set(index["revision_to_hash"].values()) == set(history)
    names = set(json.loads((out / "results/benchmarks.json").read_text())) - {"version"}
    for name in names:
        (graph,) = (path for path in html.glob(f"graphs/**/{name}.json") if "summary" not in path.parts)
        points = json.loads(graph.read_text())
        assert len(points) == 16
        assert all(isinstance(value, float | int) for value in points[0][1])
    found = regressions(html)
    plain, trained = (repr(case.replace("|", "/")) for case in (PLAIN, TRAINED))
    assert {f"time.latency({plain})", f"error.miou({trained})"} <= found
    # One multiply-add less is seen in every case; whatever did not change for the worse is not among them.
    marks = {name for name in found if name.startswith("static.")}
    counted = {repr(case.case_id.replace("|", "/")) for case in example.cases if not isinstance(case.compute, Missing)}
    assert {name.partition("(")[2].rstrip(")") for name in marks} == counted
    assert {name.partition("(")[0] for name in marks} in ({"static.macs_mark"}, {"static.macs_countermark"})
    assert len(found) == 2 + len(marks)


def test_asv_shows_and_compares(scripts: Path, example: Run, outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = commits(outside / "repository", 2)
    monkeypatch.chdir(outside / "repository")
    out = outside / "asv"
    export_asv([example, slower(example, 1.5)], history, out)
    (machine,) = (path.parent.name for path in (out / "results").glob("*/machine.json"))
    config: list[str | Path] = ["--config", out / "asv.conf.json", "--machine", machine]
    shown = run_of([scripts / "asv", "show", *config, history[0]], out)
    assert "6.06±0.09ms" in shown
    assert FAILED.replace("|", "/") not in shown
    compared = run_of([scripts / "asv", "compare", *config, "--factor", "1.1", *history], out)
    (line,) = (line for line in compared.splitlines() if "time.latency(" in line and PLAIN.replace("|", "/") in line)
    assert re.search(r"\|\s*1\.50?\s*\|", line)


@needs_shared
@pytest.mark.usefixtures("outside")
def test_asv_takes_every_committed_run(scripts: Path, outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = commits(outside / "repository", len(RUN_FILES))
    monkeypatch.chdir(outside / "repository")
    export_asv([read_run(path) for path in RUN_FILES], history, outside / "asv")
    checker = SHARED / "checks" / "dashboards" / "asv_check.py"
    arguments: list[str | Path] = [outside / "asv" / "asv.conf.json", "--asv", scripts / "asv"]
    said = run_of([sys.executable, checker, *arguments], outside)
    assert f"{len(RUN_FILES)} commits placed" in said


_PROMETHEUS = """
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as new
from prometheus_client.parser import text_string_to_metric_families as old
text = open(sys.argv[1], encoding="utf-8", newline="").read()
print(json.dumps([
    {s.labels["case_id"]: s.value for f in parse(text) for s in f.samples if s.name == "emtm_latency_seconds"}
    for parse in (new, old)
]))
"""


@pytest.mark.parametrize("case_id", [PLAIN, 'a"b\\c\nd</x>=1'])
def test_prometheus_reads_openmetrics_and_as_its_older_text(
    scripts: Path, example: Run, tmp_path: Path, case_id: str
) -> None:
    renamed = changed(example, PLAIN, lambda case: replace(case, case_id=case_id))
    (file,) = write(rendered("openmetrics", renamed), tmp_path / "metrics.prom")
    first, second = json.loads(run_of([scripts / "python", "-c", _PROMETHEUS, file], tmp_path))
    assert first == second
    assert first[PLAIN if case_id == PLAIN else 'a"b\\\\c\\nd</x>=1'] == 0.006057


_JUNIT = """
import json, sys
from junitparser import JUnitXml
print(json.dumps({
    case.name: [type(end).__name__ for end in case.result] for suite in JUnitXml.fromfile(sys.argv[1]) for case in suite
}))
"""


def test_junitparser_reads_ends(scripts: Path, example: Run, tmp_path: Path) -> None:
    (file,) = write(rendered("junit", example), tmp_path / "junit.xml")
    found = json.loads(run_of([scripts / "python", "-c", _JUNIT, file], tmp_path))
    assert (found[PLAIN], found[FAILED]) == ([], ["Error"])


def test_pytest_benchmark_compares_the_json_of_the_main_job(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    command = [
        *(
            sys.executable,
            "-m",
            "pytest",
            "bench/test_latency.py",
            "--benchmark-only",
            "-q",
            "--bench-profile",
            "smoke",
        ),
        *("--runs", str(tmp_path / "none"), "--run-file", str(tmp_path / "run.json"), f"--benchmark-json={own}"),
        *("-p", "no:cacheprovider", "-k", "charades-sta and single_stream and vslnet and not transformer"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=outside_xdist())
    assert done.returncode == 0, done.stdout + done.stderr
    benchmarks = json.loads(own.read_text())["benchmarks"]
    assert benchmarks
    assert all(benchmark["extra_info"]["emtm"]["case_id"].startswith("vslnet|") for benchmark in benchmarks)
    assert "UNSERIALIZABLE[" not in own.read_text()
    assert all(benchmark["params"]["case"] == benchmark["param"] for benchmark in benchmarks)
    other = tmp_path / "other.json"
    shutil.copy(own, other)
    table = run_of([*_pytest_benchmark(), "compare", own, other, "--csv", tmp_path / "table", "--name=long"], tmp_path)
    assert all(benchmark["name"] in table for benchmark in benchmarks)
    if SHARED.is_dir():
        checker = SHARED / "checks" / "dashboards" / "pytest_benchmark_check.py"
        program = shutil.which("pytest-benchmark", path=str(Path(sys.executable).parent)) or "pytest-benchmark"
        run_of([sys.executable, checker, own, other, "--extra", "emtm", "--command", program], tmp_path)


def _pytest_benchmark() -> list[str]:
    return [sys.executable, "-c", "from pytest_benchmark.cli import main; main()"]

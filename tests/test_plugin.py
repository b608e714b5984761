"""The model in the README is installed from its own package, trained, measured and reported."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.missing import known, of
from bench.results import read_run
from tests.processes import outside_xdist

ROOT = Path(__file__).resolve().parents[1]
NAME = "my-model"
Run = Callable[..., str]


@pytest.fixture(scope="module")
def blocks() -> dict[str, str]:
    """The section's files by language."""
    section = (ROOT / "README.md").read_text("utf-8").split("## Bring your own model")[1].split("\n## ")[0]
    return dict(re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL))


@pytest.fixture(scope="module")
def run(blocks: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command with the package installed, in a fresh interpreter; gives what it prints."""
    site = tmp_path_factory.mktemp("site")
    install(site, tomllib.loads(blocks["toml"])["project"], blocks["python"])
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])

    def call(*arguments: object) -> str:
        command = [sys.executable, *map(str, arguments)]
        environment = {**outside_xdist(), "PYTHONPATH": path}
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def install(site: Path, project: dict[str, object], module: str) -> None:
    """What pip leaves of a package with one module, without its build environment."""
    groups = project["entry-points"]
    assert isinstance(groups, dict)
    (target,) = {value.split(":")[0] for group in groups.values() for value in group.values()}
    (site / f"{target}.py").write_text(module)
    info = site / f"{target}-{project['version']}.dist-info"
    info.mkdir()
    lines = [f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in group.items()) for name, group in groups.items()]
    (info / "entry_points.txt").write_text("".join(lines))
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")


def test_model_is_short(blocks: dict[str, str]) -> None:
    assert len((blocks["toml"] + blocks["python"]).splitlines()) < 60


def test_shown_commands_are_those_tested(blocks: dict[str, str]) -> None:
    commands = blocks["bash"].splitlines()
    assert [line.split(NAME)[0] for line in commands[1:3]] == [
        "python -m emtm train ",
        "pytest bench/ --benchmark-only -k ",
    ]
    assert commands[3] == "python -m bench.report"


def test_model_is_listed_beside_ours(run: Run) -> None:
    names = json.loads(run("-c", "import json, emtm.registry as r; print(json.dumps(r.model_names()))"))
    assert NAME in names
    assert "emtm-student" in names
    assert NAME in run("-m", "emtm", "models")


def test_model_holds_the_contract(run: Run) -> None:
    """The tests of our own models find it in the registry, and it passes them."""
    printed = run("-m", "pytest", "tests/models/test_contract.py", "-q", "-p", "no:cacheprovider", "-k", NAME)
    passed = re.search(r"(\d+) passed", printed)
    assert passed is not None
    assert int(passed[1]) > 20


@pytest.mark.slow
def test_model_is_trained_measured_and_reported(run: Run, tmp_path: Path) -> None:
    runs, file, report = tmp_path / "runs", tmp_path / "run.json", tmp_path / "report"
    run("-m", "emtm", "train", NAME, "--dataset", "smoke", "--set", "epochs=1", "--threads", 1, "--out", runs / NAME)
    metrics = json.loads((runs / NAME / "metrics.json").read_text())
    assert metrics["model"] == NAME

    session = ["-m", "pytest", "bench/", "--benchmark-only", "-q", "-p", "no:cacheprovider", "--bench-profile", "smoke"]
    run(*session, "-k", f"{NAME} and (charades-sta or smoke)", "--runs", runs, "--run-file", file)
    run("-m", "bench.report", "validate", file)
    own = [case for case in read_run(file).cases if case.model.name == NAME]
    cases = {case.workload.dataset: case for case in own}
    assert set(cases) == {"charades-sta", "smoke"}
    assert {case.status for case in own} == {"ok"}
    # Two projections, the convolution and two boundaries of 64 clips and 10 words, and nothing else.
    macs = 64 * 1024 * 64 + 10 * 300 * 64 + 64 * 7 * 64 * 64 + 64 * 64 * 2
    assert known(of(cases["charades-sta"].compute, lambda compute: compute.macs)) == macs
    assert known(of(cases["smoke"].quality, lambda quality: quality.miou)) == pytest.approx(metrics["miou"])

    run("-m", "bench.report", file, "--out", report)
    assert NAME in (report / "report.md").read_text("utf-8")
    assert NAME in (report / "report.html").read_text("utf-8")

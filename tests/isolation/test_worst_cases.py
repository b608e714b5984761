"""Models that crash, hang, eat memory or leave, measured by the real command beside one that works."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from bench.missing import Missing, known
from bench.results import read_run
from bench.run import Run
from tests.processes import hears_interrupts, outside_xdist
from tests.test_plugin import install

ROOT = Path(__file__).resolve().parents[2]
BODIES = {
    "aborting": "os.abort()",
    "leaving": "os._exit(3)",
    "exiting": "sys.exit(4)",
    "sleeping": "time.sleep(1e6)",
    "hungry": "eaten = [torch.empty(2**28) for _ in range(10**6)]",
}
"""What the models do once they are given numbers and not only shapes."""
REASONS = {
    "aborting": "the process was ended by SIGABRT",
    "leaving": "the process ended by itself, with exit code 3",
    "exiting": "SystemExit: 4",
    "sleeping": "no end within 25 s",
    "hungry": "can't allocate memory",
}
MODULE = """
import os, sys, time, torch
from emtm.registry import model_class

class Model(model_class("vslnet")):
    name = "a-NAME"

    def encode_video(self, video, video_mask):
        if not video.is_meta:
            BODY
        return super().encode_video(video, video_mask)
"""
IMPATIENT = """
import dataclasses
from bench.profiles import PROFILES
PROFILES["smoke"] = dataclasses.replace(PROFILES["smoke"], patience_s=25.0)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    site = tmp_path_factory.mktemp("site")
    for name, body in BODIES.items():
        entry = {"emtm.models": {f"a-{name}": f"{name}_plugin:Model"}}
        module = MODULE.replace("NAME", name).replace("BODY", body)
        install(site, {"name": f"a-{name}-package", "version": "1", "entry-points": entry}, module)
    (site / "impatient.py").write_text(IMPATIENT)
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**outside_xdist(), "PYTHONPATH": path}


def command(run_file: Path, cases: str, *more: str) -> list[str]:
    options = ["--benchmark-only", "--bench-profile", "smoke", "-p", "no:cacheprovider", "-q", "-p", "impatient"]
    return [
        *(sys.executable, "-m", "pytest", "bench/", *options, "--runs", str(run_file.parent / "none")),
        *("--run-file", str(run_file), "-k", f"charades-sta and single_stream and eager and ({cases})", *more),
    ]


@pytest.mark.slow
def test_each_costs_itself_alone(environment: Mapping[str, str], tmp_path: Path) -> None:
    run_file, own = tmp_path / "run.json", tmp_path / "own.json"
    done = subprocess.run(
        command(run_file, " or ".join(["vslnet", *(f"a-{name}" for name in BODIES)]), f"--benchmark-json={own}"),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run = read_run(run_file)
    assert isinstance(run.suite.cut_off, Missing)
    found = {case.model.name: case for case in run.cases}
    assert found["vslnet"].status == found["vslnet-transformer"].status == "ok"
    assert not isinstance(found["vslnet"].latency, Missing)
    for name, reason in REASONS.items():
        assert found[f"a-{name}"].status == "failed"
        assert reason in (known(found[f"a-{name}"].reason) or ""), name
        assert f"not measured: {found[f'a-{name}'].case_id}" in done.stdout
    timed = json.loads(own.read_text())["benchmarks"]
    assert {(b["name"].split("[")[0], b["extra_info"]["emtm"]["case_id"].split("|")[0]) for b in timed} == {
        ("test_latency", "vslnet"),
        ("test_latency", "vslnet-transformer"),
    }
    assert {b["options"]["timer"].split(".")[-1] for b in timed} == {"now"}


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_was_measured_before_the_end_stays(
    environment: Mapping[str, str], tmp_path: Path, how: signal.Signals
) -> None:
    run_file = tmp_path / "run.json"
    # The model that sleeps comes last: by then another one has been measured.
    with subprocess.Popen(
        command(run_file, "vslnet or a-sleeping"),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
        preexec_fn=hears_interrupts,
    ) as session:
        deadline = time.monotonic() + 200
        while not run_file.exists():
            assert session.poll() is None and time.monotonic() < deadline
            time.sleep(0.2)
        (worker,) = [p for p in psutil.Process(session.pid).children() if "spawn_main" in " ".join(p.cmdline())]
        session.send_signal(how)
        said, _ = session.communicate(timeout=60)
        assert session.returncode == (-9 if how is signal.SIGKILL else 2)
    psutil.wait_procs([worker], timeout=20)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    run = read_run(run_file)
    assert "measurements were made" in (known(run.suite.cut_off) or "")
    assert len(run.cases) >= 1
    assert how is signal.SIGKILL or f"cut off: {known(run.suite.cut_off)}" in said
    for arguments in (["validate", str(run_file)], [str(run_file), "--out", str(tmp_path / "report")]):
        told = subprocess.run(
            [sys.executable, "-m", "bench.report", *arguments], capture_output=True, text=True, cwd=ROOT
        )
        assert told.returncode == 0, told.stderr
        assert "was cut off: " in told.stdout
    if how is signal.SIGKILL:
        goes_on(environment, run, run_file)


def goes_on(environment: Mapping[str, str], before: Run, run_file: Path) -> None:
    """What was measured before the end is not measured again, and the rest is."""
    line = command(run_file, "vslnet", "--resume")
    done = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "deselected" in done.stdout
    after = read_run(run_file)
    assert (after.run_id, after.suite.sittings, known(after.suite.cut_off)) == (before.run_id, 2, None)
    cases = {case.case_id: case for case in after.cases}
    for case in before.cases:
        assert cases[case.case_id].params == case.params
    assert all(not isinstance(case.latency, Missing) for case in after.cases if "vslnet|" in case.case_id)
    other = subprocess.run([*line, "--bench-profile", "ci"], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert (other.returncode, other.stderr.count("its profile was another")) == (4, 1)


def test_benchmarks_that_are_disabled_measure_nothing(environment: Mapping[str, str], tmp_path: Path) -> None:
    run_file = tmp_path / "run.json"
    line = [part for part in command(run_file, "vslnet", "--benchmark-disable") if part != "--benchmark-only"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert "benchmarks are disabled" in done.stdout
    assert not run_file.exists()

"""`python -m bench.gpu_check` as it is typed, on machines without a card."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bench.consistency import read_consistent
from bench.missing import Missing, known
from tests.processes import outside_xdist


def check(arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.gpu_check", *arguments.split()]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=outside_xdist())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_without_a_card_it_is_one_sentence(tmp_path: Path) -> None:
    done = check("--out gpu.json", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "there is no graphics card that torch can use here" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_time_leaves_a_valid_file(tmp_path: Path) -> None:
    done = check("--device cpu --models seqpan,emtm-student --budget 1 --out gpu.json", tmp_path)
    assert done.returncode == 4, done.stderr
    assert done.stdout.count("out of time") == 6
    found = known(read_consistent(tmp_path / "gpu.json").gpu_check)
    assert found is not None and [part.status for part in found.parts[1:]] == ["skipped"] * 5


@pytest.mark.slow
def test_two_models_on_the_cpu(tmp_path: Path) -> None:
    done = check("--device cpu --models emtm-student,seqpan --budget 2000 --out gpu-check.json", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    order = ["parity", "speed", "energy", "training", "study", "session"]
    assert [line.partition(":")[0] for line in lines[:6]] == order
    assert lines[7:] == ["gpu-check.json"] and "the whole study would take" in lines[6]
    run = read_consistent(tmp_path / "gpu-check.json")
    found = known(run.gpu_check)
    assert found is not None and found.device == "cpu" and found.budget_s == 2000
    assert [(part.name, part.status, part.failed) for part in found.parts] == [(name, "done", {}) for name in order]
    assert [len(rows) for rows in (found.parity, found.speed, found.energy, found.training)] == [2, 4, 2, 2]
    assert [row.step for row in found.study] == ["teacher seqpan", "labels", "student student-alone"]
    assert (known(found.study_h) or 0) > 0
    assert [case.status for case in run.cases] == ["ok"] * 4
    assert not any(isinstance(case.latency, Missing) for case in run.cases[::2])
    assert not any(isinstance(case.training, Missing) for case in run.cases[1::2])

"""`ab` on real commits, by the very step of the workflow for pull requests: copies in double precision are found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ci.shell import git
from tests.ci.workflows import ROOT, workflow

pytestmark = [pytest.mark.slow, pytest.mark.alone]

ATTENTION = "emtm/layers/attention.py"
PLAIN = """            return F.scaled_dot_product_attention(q, k, v, bias)
"""
COPIED = """            x, bias = q, None if bias is None else bias.double()
            q, k, v = q.double(), k.double(), v.double()
            return F.scaled_dot_product_attention(q, k, v, bias).to(x.dtype)
"""
"""A slip that people make: 9 % of a query of the student."""
REWRITTEN = """            answer = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
            return answer
"""
SESSIONS = 1
"""Tried until one can tell; each takes some five minutes."""


@dataclass(frozen=True)
class Answer:
    """What the step left for the steps after it."""

    verdicts: dict[str, str]
    code: str
    comment: str


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose one commit is this tree."""
    folder = tmp_path_factory.mktemp("planted") / "checkout"
    for name in ("emtm", "baselines", "bench"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "The tree as it is")
    return folder


def committed(checkout: Path, branch: str, text: str) -> str:
    """A commit on a branch of its own that puts `text` in the place of the product of attention."""
    git(checkout, "switch", "--quiet", "-c", branch, "main")
    path = checkout / ATTENTION
    assert PLAIN in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(PLAIN, text), "utf-8")
    git(checkout, "commit", "--quiet", "-am", branch)
    return git(checkout, "rev-parse", "HEAD")


def measured(checkout: Path, head: str) -> Answer:
    """The step `Measure`, with the cases that the workflow names, until a session can tell of the student."""
    source = workflow("bench-pr.yml")
    for _ in range(SESSIONS):
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(checkout),
            "BASE_SHA": git(checkout, "rev-parse", "main"),
            "HEAD_SHA": head,
            "CASES": source.yaml["env"]["CASES"],
            "GITHUB_OUTPUT": str(checkout / "output"),
            "GITHUB_STEP_SUMMARY": str(checkout / "summary"),
        }
        shutil.rmtree(checkout / "comparison", ignore_errors=True)
        step = ["bash", "-e", "-c", source.step("Measure")["run"]]
        done = subprocess.run(step, cwd=checkout, env=environment, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stderr
        found = json.loads((checkout / "comparison" / "ab.json").read_text("utf-8"))
        verdicts = {trial["case_id"].split("|")[0]: trial["verdict"] for trial in found["trials"]}
        if found["valid"] and verdicts["emtm-student"] != "inconclusive":
            code = (checkout / "output").read_text("utf-8").splitlines()[-1].removeprefix("code=")
            return Answer(verdicts, code, (checkout / "comparison" / "comment.md").read_text("utf-8"))
    pytest.skip("no session could tell: this machine is too noisy for a verdict")


def test_attention_on_copies_in_double_precision_is_a_regression(checkout: Path) -> None:
    answer = measured(checkout, committed(checkout, "copies", COPIED))
    assert answer.verdicts["emtm-student"] == "slower"
    assert answer.code == "3"
    assert answer.comment.startswith("**SLOWER**")


def test_the_same_product_written_otherwise_is_the_same(checkout: Path) -> None:
    answer = measured(checkout, committed(checkout, "rewritten", REWRITTEN))
    assert answer.verdicts["emtm-student"] == "same"
    assert set(answer.verdicts.values()) <= {"same", "inconclusive"}
    assert answer.code == "0"

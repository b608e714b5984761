"""The lines that a worker's process says, of a worker that is a few lines itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.isolation.lines import LineProcess, WorkerError
from bench.peers.peer import WORKERS
from bench.peers.workers.serving import PROTOCOL

WORKER = """
import sys, numpy
def worker(*arguments):
    print("said by the worker")
    if not arguments:
        raise ImportError("no argument\\nand more")
    return Worker()
class Worker:
    versions = {"mine": "7", "path": sys.path[0]}
    def make(self, question):
        if question["weights"] == "none":
            raise ValueError("no weights")
    def answer(self, question):
        return {"twice": numpy.float64(2 * question["value"])}
    def open(self, question):
        self.calls = 0
        return self.call
    def call(self):
        self.calls += 1
        if self.calls > question_limit:
            raise RuntimeError("worn out")
question_limit = 5
"""


def said(tmp_path: Path, questions: list[dict[str, Any]], *arguments: str) -> list[dict[str, Any]]:
    """What a process answers, its first line included."""
    (tmp_path / "tiny.py").write_text(WORKER, "utf-8")
    done = subprocess.run(
        [sys.executable, str(WORKERS / "serving.py"), str(tmp_path / "tiny.py"), *arguments],
        input="".join(json.dumps(question) + "\n" for question in questions),
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "said by the worker" in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_questions_are_answered_in_turn(tmp_path: Path) -> None:
    import numpy as np

    out = tmp_path / "out.npz"
    answers = said(
        tmp_path,
        [
            {"do": "call"},
            {"do": "make", "weights": "none"},
            {"do": "make", "weights": "w"},
            {"do": "answer", "value": 21, "out": str(out)},
            {"do": "open"},
            {"do": "call"},
            {"do": "call"},
        ],
        "one",
    )
    hello, nothing, no_weights, made, answered, opened, called, worn = answers
    assert hello["protocol"] == PROTOCOL and hello["versions"]["mine"] == "7"
    assert hello["versions"]["path"] != str(WORKERS), "names of this suite's folder would hide the worker's own"
    assert nothing == {"failed": "RuntimeError: nothing is open"}
    assert no_weights == {"failed": "ValueError: no weights"}
    assert made == answered == {"done": True}
    assert float(np.load(out)["twice"]) == 42
    assert opened["call_s"] > 0 and called["ns"] > 0, "four calls warm it up, and the fifth is timed"
    assert worn == {"failed": "RuntimeError: worn out"}


def test_a_worker_that_cannot_start_says_why_in_a_line(tmp_path: Path) -> None:
    assert said(tmp_path, []) == [{"failed": "ImportError: no argument"}]


def test_a_process_that_dies_or_hangs_is_an_error(tmp_path: Path) -> None:
    def started(code: str) -> LineProcess:
        return LineProcess("it", [sys.executable, "-c", code], os.environ, tmp_path / "log")

    dying = started("import sys; print('{}', flush=True); sys.stdin.readline(); sys.exit('out of order')")
    assert dying.hear(60) == {} and dying.alive
    with pytest.raises(WorkerError, match=r"the process of it died \(exit code 1\): out of order"):
        dying.ask({}, 60)
    assert not dying.alive
    dying.close()
    hanging = started("import time; time.sleep(600)")
    with pytest.raises(WorkerError, match=r"no answer within 0 s"):
        hanging.hear(0.2)
    hanging.close()

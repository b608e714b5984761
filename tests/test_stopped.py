"""SIGTERM, which ends a command as Ctrl-C does: every one that takes a while says how to go on, in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from emtm.data.video.extra import unavailable

ROOT = Path(__file__).resolve().parents[1]
ANEW = "the same command begins anew"
KEEPS = "keeps what was done: the same command"


PROGRAM = """
import importlib, os, runpy, signal, sys, time

place, module, *line = sys.argv[1:]

def terminated(*_, **__):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)

owner, _, name = place.rpartition(".")
setattr(importlib.import_module(owner), name, terminated)
sys.argv = [module, *line]
runpy.run_module(module, run_name="__main__")
"""
"""The signal arrives while there is work. In a process of its own, which it ends where nobody takes it."""


@pytest.mark.parametrize(
    ("place", "module", "line", "said"),
    [
        ("emtm.distillation.soft_labels.write_soft_labels", "emtm", "soft-labels run --out new", ANEW),
        ("emtm.deploy.exporting.export_onnx", "emtm", "export run --out new.onnx", ANEW),
        ("emtm.data.prepare.prepare", "emtm", "prepare custom --root .", ANEW),
        ("bench.cli.history.run_paths", "bench.report", "history . --out new", ANEW),
        ("bench.cli.report.read_run", "bench.report", "report x.json --out new", ANEW),
        ("bench.cli.export.read_run", "bench.report", "export --to gab x.json --out new", ANEW),
        ("bench.ab.measuring.measure", "bench.report", "ab --base a --head b --out new", ANEW),
        ("bench.selftest.gate.local", "bench.report", "selftest --out new", ANEW),
        (
            "bench.selftest.gate.local",
            "bench.report",
            "selftest --out old",
            f"old {KEEPS} with --resume goes on",
        ),
        ("emtm.registry.preset", "bench.count", "--model vslnet --dataset charades-sta", ANEW),
        ("emtm.training.loop.train", "emtm", "train vslnet --dataset smoke --out new", ANEW),
        (
            "emtm.training.loop.train",
            "emtm",
            "train vslnet --dataset smoke --out there",
            f"there {KEEPS} with --resume goes on",
        ),
        pytest.param(
            "emtm.data.video.extract",
            "emtm",
            "extract x.mp4 --out there",
            f"there {KEEPS} goes on",
            marks=pytest.mark.skipif(unavailable() is not None, reason="needs the extra video"),
        ),
    ],
)
def test_who_stops_a_command_is_told_how_to_go_on(
    place: str, module: str, line: str, said: str, tmp_path: Path
) -> None:
    for name in ("x.json", "x.mp4", "old"):
        (tmp_path / name).touch()
    (tmp_path / "there").mkdir()
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, place, module, *line.split()]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    ended = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (130, f"stopped; {said}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old", "there", "x.json", "x.mp4"]

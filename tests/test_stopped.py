"""SIGTERM, which ends a command as Ctrl-C does: every one that takes a while says how to go on, in one sentence."""

from __future__ import annotations

import os
import runpy
import signal
import sys
import time
from pathlib import Path

import pytest

from emtm.data.video.extra import unavailable

ANEW = "the same command begins anew"
KEEPS = "keeps what was done: the same command"


def terminated(*_: object, **__: object) -> None:
    """The signal arrives while there is work."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)


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
        ("importlib.import_module", "bench.count", "x:f", ANEW),
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
@pytest.mark.usefixtures("survives_termination")
def test_who_stops_a_command_is_told_how_to_go_on(
    place: str,
    module: str,
    line: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("x.json", "x.mp4", "old"):
        Path(name).touch()
    Path("there").mkdir()
    monkeypatch.setattr(place, terminated)
    monkeypatch.setattr(sys, "argv", [module, *line.split()])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__")
    assert ended.value.code == 130
    assert capsys.readouterr().err == f"stopped; {said}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old", "there", "x.json", "x.mp4"]

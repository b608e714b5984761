"""The checkers of the reference material on exports of every committed run file."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.export.formats import format_named
from bench.export.output import write
from bench.results import read_run
from tests.export.conftest import RUN_FILES
from tests.shared import SHARED, needs_shared

CHECKERS = SHARED / "checks" / "dashboards"
NUMBERS = ("latency_s", "latency_s_low", "throughput_queries_per_s", "miou_pct", "r1_iou05_pct_high", "params", "macs")


def accepted(checker: str, *arguments: str | Path) -> None:
    command = [sys.executable, CHECKERS / checker, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_shared
@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("path", RUN_FILES, ids=lambda path: path.stem)
def test_exports_are_accepted(path: Path, tmp_path: Path) -> None:
    run = read_run(path)
    written = {
        name: write(format_named(name).render(run, tmp_path / name), tmp_path / name)
        for name in ("gab", "bencher", "csv")
    }
    for file in written["gab"]:
        accepted("gab_check.py", file)
    accepted("bmf_check.py", *written["bencher"])
    for file in written["csv"]:
        accepted("csv_check.py", file, "--pandas", *(word for name in NUMBERS for word in ("--number", name)))

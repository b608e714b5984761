"""The page on the published code says what the committed comparisons found, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.instruments.environment import EnvironmentWindow
from bench.missing import Missing
from bench.peers.document import read, record, text
from bench.peers.emet import EMET
from bench.report.quantity import digits
from tests.peers import page
from tests.peers.test_session import PEER, Machine, held, quick

__all__ = ["quick"]


def test_the_page_is_todays() -> None:
    assert page.PAGE.read_text("utf-8") == page.page(), "run python -m tests.peers.page"
    assert any(page.FOLDER.glob("*.json")) != (page.NOT_YET in page.PAGE.read_text("utf-8"))


def test_a_file_reaches_the_page_row_by_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = EnvironmentWindow().close(Missing("none"))
    outcome = held(Machine(wrong={"eager": 0.01}), tmp_path)
    peer = replace(EMET, variants=PEER.variants)
    run = record(peer, tmp_path, outcome, environment, ("python", "-m", "bench.peers"), planned_rounds=5, seed=0)
    file = tmp_path / "charades.json"
    file.write_text(text(run), "utf-8")
    assert read(file) == run and text(read(file)) == text(run)
    monkeypatch.setattr(page, "FOLDER", tmp_path)
    found = page.page()
    assert page.NOT_YET not in found and environment.hardware.cpu_model in found
    rows = [line for line in found.splitlines() if line.startswith("| emtm-student, charades-sta, inference")]
    (case,) = run.cases
    assert len(rows) == len(case.rows) + sum(not isinstance(row.parity, Missing) for row in case.rows)
    assert "its answer is not the peer's: span" in found.replace("\\", "")
    onnx = next(row for row in case.rows if row.name == "onnxruntime")
    (exported,) = (row for row in rows if "| onnxruntime  " in row and "ms" in row)
    assert f"| {digits(1e3 * onnx.call_s)} [" in exported and f" {digits(onnx.speedup)} [" in exported

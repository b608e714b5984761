"""One trained student, exported once."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from emtm.cli import app
from emtm.training.loop import train
from emtm.training.spec import DataSource, plan


@pytest.fixture(scope="session")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run of one epoch."""
    out = tmp_path_factory.mktemp("deploy") / "student"
    train(plan("emtm-student", DataSource("smoke"), "compact", ["epochs=1", "dim=16", "heads=2"], 0), out)
    return out


@pytest.fixture(scope="session")
def exported(student: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file, with its two steps beside it."""
    pytest.importorskip("onnx", reason="needs the extra onnx")
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    out = tmp_path_factory.mktemp("exported") / "student.onnx"
    done = CliRunner().invoke(app, ["export", str(student), "--out", str(out), "--cached-videos", "--top-k", "3"])
    assert done.exit_code == 0, done.output
    assert "100% of the moments are the same" in done.stdout
    return out

"""The page on distillation as a library: its code runs, and does what the text around it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from emtm.cli import app
from emtm.data.datasets import open_dataset
from emtm.data.soft_labels import read_soft_labels
from emtm.files import read_json

PAGE = Path(__file__).resolve().parents[2] / "docs" / "library.md"


def block(number: int) -> str:
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)[number]


def test_the_unit_learns_whom_to_trust_from_a_quarter_of_the_sentences() -> None:
    found: dict[str, Any] = {}
    exec(compile(block(0), PAGE.name, "exec"), found)
    positive, annotated = found["positive"], found["annotated"]
    trust = found["weights"][:, 0].mean(1).detach()  # in the teacher that points
    for part in (annotated, ~annotated):
        assert trust[positive & part].mean() > 0.7
        assert trust[~positive & part].mean() < 0.3
    starts = found["logits"][:, 0].argmax(1)
    assert (starts == found["start"]).float().mean() > 0.8


def test_a_teacher_from_elsewhere_teaches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block(1), PAGE.name, "exec"), {})
    labels = read_soft_labels(tmp_path / "guess.h5")
    assert len(labels) == len(open_dataset("smoke").splits["train"])
    command = ["distill", "--dataset", "smoke", "--teachers", "guess.h5", "--set", "epochs=1", "--out", "run"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert labels.sha256 in str(read_json(tmp_path / "run" / "run.json"))

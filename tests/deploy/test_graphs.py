"""Exported graphs of every registered model say what the model says."""

from __future__ import annotations

from pathlib import Path

import pytest

from emtm.deploy.exporting import TOLERANCE, check
from emtm.deploy.graph import UnsupportedError, graphs
from emtm.errors import UserError
from emtm.registry import model_names
from tests.models.tiny import Subject

pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")

ALL = [Subject(name) for name in model_names()] + [Subject(name, "official", True) for name in model_names()]
ONLY_SOUND = {"cca"}
"""As published it mixes clips by torch's own layer, which is traced for one number of queries."""
FAILING = [subject for subject in ALL if subject.official and subject.name in ONLY_SOUND]
EXPORTABLE = [subject for subject in ALL if not subject.kind.unexportable and subject not in FAILING]
OTHERS = [subject for subject in ALL if subject.kind.unexportable]


@pytest.mark.parametrize("subject", EXPORTABLE, ids=str)
def test_whole_and_steps_equal_the_model(subject: Subject) -> None:
    model = subject.build()
    made = graphs(model, 5, steps=True)
    assert (made.encode is None) is not model.separable
    parity = check(model, made, 5)
    assert max(parity.distribution_max_abs, parity.scores_max_abs) <= TOLERANCE
    assert parity.equal_moments > 0.9


def test_most_models_can_be_exported() -> None:
    assert {subject.name for subject in OTHERS} == {"ban-apr", "cpl", "eamat"}


@pytest.mark.parametrize("subject", [*OTHERS, *FAILING], ids=str)
def test_what_is_called_unexportable_is(subject: Subject) -> None:
    model = subject.build()
    with pytest.raises((UnsupportedError, UserError)):
        check(model, graphs(model, 5, steps=False), 5)


def test_graphs_of_another_model_are_refused() -> None:
    student = Subject("emtm-student")
    made = graphs(student.build(seed=1), 2, steps=True)
    with pytest.raises(UserError, match="would differ from the checkpoint"):
        check(student.build(seed=2), made, 2)


def test_the_document_says_which_can_and_why_others_cannot() -> None:
    table = (
        (Path(__file__).parents[2] / "docs" / "deploy.md")
        .read_text("utf-8")
        .partition("| model | |")[2]
        .partition("\n\n")[0]
    )
    (yes,) = (line for line in table.splitlines() if "| yes" in line)
    assert set(yes.split("|")[1].strip().split(", ")) == {subject.name for subject in EXPORTABLE}
    for subject in OTHERS:
        assert f"| {subject.name} | no: {subject.kind.unexportable} |" in table

"""The exported model as a backend: the same answers, whole and with videos encoded before."""

from __future__ import annotations

import pytest
import torch

from bench.backends import backend
from bench.backends.eager import EAGER
from bench.backends.onnxruntime import ONNXRUNTIME, build, dtypes
from bench.execution import CPU, Device, Execution, UnavailableError, deviation
from bench.missing import Missing
from tests.models.tiny import Subject

pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")
ORT = Execution(backend="onnxruntime")


def test_it_is_found_and_runs_on_the_cpu() -> None:
    assert backend("onnxruntime") is ONNXRUNTIME
    assert (dtypes(CPU), dtypes(Device("cuda"))) == (("float32",), ())


def test_without_its_packages_it_has_no_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.backends.onnxruntime.find_spec", lambda name: None)
    assert dtypes(CPU) == ()


@pytest.mark.parametrize("name", ["emtm-student", "moment-detr"])
def test_whole_and_parts_answer_as_the_model(name: str) -> None:
    subject = Subject(name)
    model, batch = subject.build(), subject.batch()
    ours, eager = build(model, ORT, batch), EAGER.build(model, Execution(), batch)
    assert deviation(ours.outputs(batch), eager.outputs(batch).span, ONNXRUNTIME) <= 1e-5
    expected = eager(batch)
    torch.testing.assert_close(ours(ours.place(batch)), expected, atol=1e-4, rtol=1e-4)
    assert not isinstance(ours.parts, Missing)
    rows = torch.arange(batch.size)
    encoded = ours.parts.pick(ours.parts.encode_video(batch), rows)
    torch.testing.assert_close(ours.parts.ground(encoded, batch), expected, atol=1e-4, rtol=1e-4)


def test_a_model_that_cannot_be_exported_says_why() -> None:
    subject = Subject("cpl")
    with pytest.raises(UnavailableError, match="cannot be exported: the reconstruction loss"):
        build(subject.build(), ORT, subject.batch())

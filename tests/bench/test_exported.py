"""The exported model as a backend: the same answers, whole and with videos encoded before."""

from __future__ import annotations

import pytest
import torch

from bench.backends import backend, onnxruntime, openvino
from bench.backends.eager import EAGER
from bench.backends.onnxruntime import ONNXRUNTIME
from bench.backends.openvino import OPENVINO
from bench.execution import CPU, Backend, Device, Execution, UnavailableError, deviation
from bench.missing import Missing
from tests.models.tiny import Subject

pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")
pytest.importorskip("openvino", reason="needs the extra openvino")
BOTH = pytest.mark.parametrize("known", [ONNXRUNTIME, OPENVINO], ids=lambda known: known.name)


@BOTH
def test_it_is_found_and_runs_on_the_cpu(known: Backend) -> None:
    assert backend(known.name) is known
    assert (known.dtypes(CPU), known.dtypes(Device("cuda"))) == (("float32",), ())


@pytest.mark.parametrize("module", [onnxruntime, openvino])
def test_without_its_packages_it_has_no_cases(module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert module.dtypes(CPU) == ()


@BOTH
@pytest.mark.parametrize("name", ["emtm-student", "moment-detr"])
def test_whole_and_parts_answer_as_the_model(name: str, known: Backend) -> None:
    subject = Subject(name)
    model, batch = subject.build(), subject.batch()
    ours, eager = known.build(model, Execution(backend=known.name), batch), EAGER.build(model, Execution(), batch)
    assert deviation(ours.outputs(batch), eager.outputs(batch).span, known) <= 1e-5
    expected = eager(batch)
    torch.testing.assert_close(ours(ours.place(batch)), expected, atol=1e-4, rtol=1e-4)
    assert not isinstance(ours.parts, Missing)
    rows = torch.arange(batch.size)
    encoded = ours.parts.pick(ours.parts.encode_video(batch), rows)
    torch.testing.assert_close(ours.parts.ground(encoded, batch), expected, atol=1e-4, rtol=1e-4)


@BOTH
def test_an_answer_stays_when_the_next_is_asked_for(known: Backend) -> None:
    subject = Subject("emtm-student")
    model, batch = subject.build(), subject.batch()
    ours = known.build(model, Execution(backend=known.name), batch)
    first = ours(batch)
    kept = first.clone()
    other = subject.batch()
    other.video.mul_(-1)
    assert not torch.equal(ours(other), kept)
    assert torch.equal(first, kept)


@BOTH
def test_a_model_that_cannot_be_exported_says_why(known: Backend) -> None:
    subject = Subject("cpl")
    with pytest.raises(UnavailableError, match="cannot be exported: the reconstruction loss"):
        known.build(subject.build(), Execution(backend=known.name), subject.batch())

"""The model as `python -m emtm export` writes it, run by ONNX Runtime on the CPU."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from bench.execution import Backend, Device, Dtype, Execution, Outputs, Parts, Runner, UnavailableError
from bench.missing import Missing
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.deploy.graph import UnsupportedError, graphs, tensors
from emtm.deploy.grounder import open_session, run

_WHOLE = Missing("an exported model runs as a whole")
_ARENA = Missing("ONNX Runtime allocates out of torch's sight")
_INSEPARABLE = Missing("the model encodes a video together with its query")


def build(model: AnyModel, execution: Execution, example: Batch) -> Runner:
    """Sessions on the exported graphs; raises UnavailableError where ONNX cannot hold the model."""
    if model.unexportable:
        raise UnavailableError(f"the model cannot be exported: {model.unexportable}")
    try:
        made = graphs(model, 1, steps=True)
        whole = open_session(made.whole, execution.threads)
    except ImportError as error:
        raise UnavailableError(f"the extra onnx is not installed ({error.name} is missing)") from None
    except UnsupportedError as error:
        raise UnavailableError(f"the model cannot be exported: {error}") from None
    parts: Parts | Missing = _INSEPARABLE
    if made.encode is not None and made.ground is not None:
        encode, ground = open_session(made.encode, execution.threads), open_session(made.ground, execution.threads)
        names = [output.name for output in encode.get_outputs()]
        parts = Parts(
            encode_video=lambda batch: dict(zip(names, run(encode, names, _arrays(batch)), strict=True)),
            pick=lambda encoded, rows: {name: array[rows.numpy()] for name, array in _mapping(encoded).items()},
            ground=lambda encoded, batch: _tensor(run(ground, ["best"], _arrays(batch) | _mapping(encoded))[0]),
        )
    return Runner(
        call=lambda batch: _tensor(run(whole, ["best"], _arrays(batch))[0]),
        outputs=lambda batch: Outputs(*map(_tensor, run(whole, ["distribution", "best"], _arrays(batch)))),
        place=lambda batch: batch,
        staged=_WHOLE,
        parts=parts,
        held=_ARENA,
    )


def dtypes(device: Device) -> tuple[Dtype, ...]:
    """Single precision on the CPU, where the extra `onnx` is installed."""
    there = all(find_spec(name) for name in ("onnx", "onnxruntime"))
    return ("float32",) if there and device.name == "cpu" else ()


def _arrays(batch: Batch) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in tensors(batch).items()}


def _mapping(encoded: object) -> dict[str, Any]:
    assert isinstance(encoded, dict)
    return encoded


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(array)


ONNXRUNTIME = Backend("onnxruntime", dtypes, build, tolerance=1e-5, title="the exported model")

"""The model as `python -m emtm export` writes it, run by ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec

from bench.backends.exported import Graph, runner
from bench.execution import Backend, Device, Dtype, Execution, Runner
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.deploy.grounder import open_session, run


def build(model: AnyModel, execution: Execution, example: Batch) -> Runner:
    """Sessions on the exported graphs; raises UnavailableError where ONNX cannot hold the model."""
    return runner(model, execution, _ready, "ONNX Runtime allocates out of torch's sight")


def dtypes(device: Device) -> tuple[Dtype, ...]:
    """Single precision on the CPU, where the extra `onnx` is installed."""
    there = all(find_spec(name) for name in ("onnx", "onnxruntime"))
    return ("float32",) if there and device.name == "cpu" else ()


def _ready(graph: bytes, threads: int) -> tuple[Graph, Sequence[str]]:
    session = open_session(graph, threads)
    return partial(run, session), [output.name for output in session.get_outputs()]


ONNXRUNTIME = Backend("onnxruntime", dtypes, build, tolerance=1e-5, title="the exported model")

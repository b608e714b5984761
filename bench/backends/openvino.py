"""The model as `python -m emtm export` writes it, run by OpenVINO on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

from bench.backends.exported import Arrays, Graph, runner
from bench.execution import Backend, Device, Dtype, Execution, Runner
from emtm.contract import AnyModel
from emtm.data.batch import Batch


def build(model: AnyModel, execution: Execution, example: Batch) -> Runner:
    """Compiled forms of the exported graphs; raises UnavailableError where ONNX cannot hold the model."""
    return runner(model, execution, _ready, "OpenVINO allocates out of torch's sight")


def dtypes(device: Device) -> tuple[Dtype, ...]:
    """Single precision on the CPU, where the extra `openvino` is installed."""
    there = all(find_spec(name) for name in ("onnx", "openvino"))
    return ("float32",) if there and device.name == "cpu" else ()


def _ready(graph: bytes, threads: int) -> tuple[Graph, Sequence[str]]:
    import openvino

    core = openvino.Core()
    model = core.read_model(graph)
    settings = {
        "INFERENCE_NUM_THREADS": str(threads),
        "NUM_STREAMS": "1",
        "PERFORMANCE_HINT": "LATENCY",
        # Left alone, a processor that knows bfloat16 computes in it.
        "INFERENCE_PRECISION_HINT": "f32",
    }

    @cache
    def made(names: tuple[str, ...]) -> Any:
        """What computes these outputs and no other."""
        nodes = [model.output(name).node for name in names]
        part = openvino.Model(nodes, model.get_parameters(), "part")
        return core.compile_model(part, "CPU", settings).create_infer_request()

    def call(names: Sequence[str], arrays: Arrays) -> list[Any]:
        request = made(tuple(names))
        request.infer({given.any_name: arrays[given.any_name] for given in request.model_inputs}, share_inputs=True)
        # A later call writes over what the request holds.
        return [request.get_output_tensor(place).data.copy() for place in range(len(names))]

    return call, [output.any_name for output in model.outputs]


OPENVINO = Backend("openvino", dtypes, build, tolerance=1e-5, title="the exported model by OpenVINO")

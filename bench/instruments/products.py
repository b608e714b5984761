"""How quick float32 products are on this machine by each way that there is: torch's routes, and ONNX Runtime."""

from __future__ import annotations

import time
from functools import cache
from importlib.util import find_spec

import numpy as np

from bench.run import ProductRate
from emtm.deploy.grounder import open_session
from emtm.processor import MAX_ERROR, TIMED, trials

_BURSTS = 20


def product_rates() -> tuple[ProductRate, ...]:
    """Of every way, with one thread where torch has one; the way torch was built first."""
    found = [
        ProductRate(route=trial.route.name, macs_per_s=trial.macs_per_s, error=trial.error, exact=trial.exact)
        for trial in trials()
    ]
    if all(find_spec(name) for name in ("onnx", "onnxruntime")):
        found.append(_of_onnxruntime())
    return tuple(found)


@cache
def _of_onnxruntime() -> ProductRate:
    from onnx import TensorProto, helper

    (m, k, n), number = TIMED, TensorProto.FLOAT
    node = helper.make_node("MatMul", ["a", "b"], ["c"])
    ends = ([helper.make_tensor_value_info("a", number, [m, k])], [helper.make_tensor_value_info("c", number, [m, n])])
    generator = np.random.default_rng(0)
    a, b = (generator.standard_normal(size, dtype=np.float32) for size in ((m, k), (k, n)))
    weights = [helper.make_tensor("b", number, [k, n], b.tobytes(), raw=True)]
    # Versions that every release still reads; a product has not changed since.
    model = helper.make_model(
        helper.make_graph([node], "product", *ends, weights), ir_version=8, opset_imports=[helper.make_opsetid("", 13)]
    )
    session = open_session(model.SerializeToString())
    times, answer = [], session.run(None, {"a": a})[0]
    for _ in range(_BURSTS):
        start = time.perf_counter()
        session.run(None, {"a": a})
        times.append(time.perf_counter() - start)
    true = a.astype(np.float64) @ b.astype(np.float64)
    error = float(np.abs(answer - true).max() / np.abs(true).max())
    return ProductRate(route="ONNX Runtime", macs_per_s=m * k * n / min(times), error=error, exact=error <= MAX_ERROR)

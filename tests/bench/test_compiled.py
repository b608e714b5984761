"""The compiled backend, tried on the CPU: it joins the matrix on cards alone, and has never run on one."""

import pytest
import torch

from bench.backends import backend, executions
from bench.backends.compiled import COMPILED, build
from bench.backends.eager import infer, whole
from bench.execution import CPU, Device, Execution, deviation
from bench.missing import Missing
from bench.subjects import make_batch
from tests.bench.toy import SHAPE, toy


def test_it_runs_on_cards_alone() -> None:
    assert backend("compiled") is COMPILED
    assert COMPILED.dtypes(CPU) == ()
    assert COMPILED.dtypes(Device("cuda")) == ("float32",)
    assert "compiled" not in {execution.backend for execution in executions() if execution.device is CPU}


@pytest.mark.slow
def test_it_says_what_the_model_says() -> None:
    model, batch = toy(), make_batch(SHAPE, 8, 2)
    runner = build(model, Execution(backend="compiled"), batch)
    assert deviation(runner.outputs(batch), whole(model, batch), COMPILED) < 1e-5
    with torch.inference_mode():
        torch.testing.assert_close(runner(batch), infer(model, batch), atol=1e-4, rtol=0)
    assert isinstance(runner.staged, Missing)

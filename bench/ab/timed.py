"""The calls that a comparison times: those of the harness's own measurements, on one thread, without their clocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle
from pathlib import Path

import torch

from bench.cases import Case, build_matrix
from bench.measures.train_step import TrainStepMeasurement
from bench.missing import Json
from bench.profiles import PROFILES
from bench.static import analyse_config
from bench.workbench import placed, ready
from emtm.processor import route_of

SCENARIOS = ("single_stream", "train_step")
_PROFILE = PROFILES["full"]
_NO_RUNS = Path("no-trained-runs")


def cases() -> Mapping[str, Case]:
    """What can be compared, by case id: single queries and training steps, with random weights, on the CPU."""
    torch.set_num_threads(1)
    return {
        case.case_id: case
        for case in build_matrix(_NO_RUNS, _PROFILE).cases
        if case.scenario in SCENARIOS and case.execution.device.name == "cpu"
    }


def counts(case: Case) -> Mapping[str, Json]:
    """Parameters and multiply-adds of one query."""
    found = analyse_config(case.model, case.config, case.shape, crosscheck_macs=0)
    return {"params": found.params.total, "macs": found.compute.macs}


def timed_call(case: Case) -> Callable[[], object]:
    """A function that makes one call on the next input of a pool; raises what the model raises when it is unsound."""
    model, runner = ready(case)
    if case.scenario == "train_step":
        step, route = TrainStepMeasurement(case, model), route_of(batches=True)
        run, pool = step.probe.run, cycle(step.probe.pool)

        def stepped() -> None:
            with route.taken():
                run(next(pool))

        with route.taken():
            step.warm_up()
        return stepped
    inputs = cycle(placed(runner, case, case.batch_size))
    return lambda: runner(next(inputs))

"""The calls that a comparison times: those of the harness's own measurements, on one thread, without their clocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle
from pathlib import Path

import torch

from bench.cases import Case, build_matrix
from bench.measure import LatencyMeasurement, TrainStepMeasurement
from bench.missing import Json
from bench.profiles import PROFILES
from bench.static import analyse_config
from bench.subjects import build_model, check_output, make_batch

SCENARIOS = ("single_stream", "train_step")
_PROFILE = PROFILES["full"]
_NO_RUNS = Path("no-trained-runs")


def cases() -> Mapping[str, Case]:
    """What can be compared, by case id: single queries and training steps, with random weights, on the CPU."""
    torch.set_num_threads(1)
    return {
        case.case_id: case
        for case in build_matrix(_NO_RUNS, _PROFILE).cases
        if case.scenario in SCENARIOS and case.device.name == "cpu"
    }


def counts(case: Case) -> Mapping[str, Json]:
    """Parameters and multiply-adds of one query."""
    found = analyse_config(case.model, case.config, case.shape, crosscheck_macs=0)
    return {"params": found.params.total, "macs": found.compute.macs}


def timed_call(case: Case) -> Callable[[], object]:
    """A function that makes one call on the next input of a pool; raises what the model raises when it is unsound."""
    model = build_model(case.model, case.config, case.shape)
    if case.scenario == "train_step":
        step = TrainStepMeasurement(case, model, _PROFILE)
        step.warm_up()
        run, pool = step.probe.run, cycle(step.probe.pool)
    else:
        check_output(model, make_batch(case.shape, case.config.feature_dim, 1))
        query = LatencyMeasurement(case, model, _PROFILE)
        run, pool = query.probe.run, cycle(query.probe.pool)
    return lambda: run(next(pool))

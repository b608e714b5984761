"""A training step against the GEMM floor, and the time to evaluate a whole test split."""

from __future__ import annotations

from bench import budget
from bench.cases import Case
from bench.fixtures import Benchmark, Recording
from bench.instruments.device import threads
from bench.instruments.noise import quiet_gc
from bench.lab import Lab
from bench.measure import EvaluationMeasurement, TrainStepMeasurement


def test_train_step(lab: Lab, train_case: Case, recording: Recording, benchmark: Benchmark) -> None:
    case = train_case
    with recording(case, "train step"), threads(case.threads):
        macs = lab.static(case).compute.macs
        model = lab.model(case)
        budget.check_train(lab.call_s(case), case.batch_size, lab.profile)
        measurement = TrainStepMeasurement(case, model, lab.profile)
        rounds = budget.train_rounds(measurement.warm_up(), lab.profile)
        with quiet_gc():
            benchmark.pedantic(measurement.probe, setup=measurement.probe.prepare, rounds=rounds)
        lab.add(case, *measurement.blocks(macs))


def test_evaluation(lab: Lab, evaluation_case: Case, recording: Recording, benchmark: Benchmark) -> None:
    case = evaluation_case
    with recording(case, "evaluation"), threads(case.threads):
        measurement = EvaluationMeasurement(case, lab.model(case), lab.profile.evaluation_share)
        measurement.warm_up()
        with quiet_gc():
            benchmark.pedantic(measurement, rounds=1)
        lab.add(case, measurement.block())

"""One training step of a whole batch, beside the GEMM floor."""

from __future__ import annotations

import copy

import torch

from bench import budget, stats
from bench.cases import Case
from bench.instruments.latency import LatencyProbe
from bench.instruments.noise import NoiseWindow
from bench.instruments.reference import GemmFloor, floor_ratio
from bench.instruments.training_flops import count_step
from bench.measure import Measure, Timing
from bench.missing import ABSENT, Missing, or_missing, told
from bench.record import Noise, Reference, Training, TrainingCompute
from bench.subjects import TEACHERS, make_batch
from bench.workbench import Workbench
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.registry import preset
from emtm.training.loop import optimize, update
from emtm.training.optimizer import build_optimizer

_INPUTS = 2
_BURSTS = 4
"""A step is long, so a single sample of the floor before it would see too little of the machine."""


def start(bench: Workbench, case: Case) -> Timing:
    """Steps on different batches."""
    macs = bench.static(case).compute.macs
    model = bench.model(case)
    budget.check_train(bench.call_s(case), case.batch_size, bench.profile)
    measurement = TrainStepMeasurement(case, model)
    step_s = measurement.warm_up()
    uncounted = budget.uncounted_step(step_s, bench.profile)
    measurement.compute = measurement.counted() if uncounted is None else Missing(uncounted)
    rounds = budget.train_rounds(step_s, bench.profile)
    probe = measurement.probe
    return Timing(probe, lambda: measurement.blocks(macs), rounds, probe.prepare, quiet=True)


class TrainStepMeasurement:
    """One whole training step: forward, loss, backward, clipping and the optimiser's update."""

    def __init__(self, case: Case, model: AnyModel) -> None:
        self._size, self._threads = case.batch_size, case.execution.threads
        # A copy takes the training-only branches, which must not show up in what is measured next.
        self._model = copy.deepcopy(model)
        self._model.prepare_training(TEACHERS if model.taught else 0)
        self._recipe = preset(case.model, case.dataset).recipe
        self._optimizer = build_optimizer(self._model, self._recipe)
        device, width = case.execution.device, case.config.feature_dim
        self.floor = GemmFloor(device)
        inputs = (make_batch(case.shape, width, self._size, seed, targets=True) for seed in range(_INPUTS))
        self.probe = LatencyProbe(self._step, [batch.to(device.name) for batch in inputs], device, self._between)
        self._noise = NoiseWindow()
        self.compute: TrainingCompute | Missing = ABSENT

    def warm_up(self) -> float:
        """Untimed steps; returns the seconds one step takes."""
        self._model.train()
        torch.manual_seed(0)
        self.probe.repeat(1)
        once_s = min(self.probe.samples_s)
        self.probe.forget()
        self.floor.samples_s.clear()
        self._noise = NoiseWindow()
        return once_s

    def counted(self) -> TrainingCompute | Missing:
        """The arithmetic of one more untimed step; missing if it cannot be counted, which costs its time nothing."""
        batch = self.probe.pool[0]
        self._optimizer.zero_grad(set_to_none=True)
        try:
            return count_step(
                lambda: self._model.loss(self._model(batch), batch).total,
                lambda: update(self._model, self._optimizer, 0.0, self._recipe.clip_norm),
            )
        except Exception as error:
            return Missing(f"the step cannot be counted: {told(error)}")
        finally:
            self._noise = NoiseWindow()

    def blocks(self, macs: int) -> tuple[Training, Reference, Noise]:
        """Of the samples so far; `macs` are those of one query's inference."""
        samples = self.probe.samples_s
        found = stats.summarise(samples)
        training = Training(
            step_s=found.median,
            step_ci99_s=or_missing(found.median_ci99, stats.interval_reason(found.n)),
            samples_per_s=self._size / found.median,
            n=found.n,
            samples=tuple(samples),
            includes=("forward", "loss", "backward", "clip", "optimizer"),
            compute=self.compute,
        )
        ratio = floor_ratio(samples, self.floor, budget.TRAIN_CALLS * self._size * macs, self._threads)
        return training, ratio, self._noise.close(self.floor.drift)

    def _between(self) -> None:
        for _ in range(_BURSTS):
            self.floor.sample()

    def _step(self, batch: Batch) -> None:
        loss = self._model.loss(self._model(batch), batch).total
        # A learning rate of zero costs the same and keeps the loss where it was.
        optimize(self._model, self._optimizer, loss, 0.0, self._recipe.clip_norm)


TRAIN_STEP = Measure("train step", "train_step", (Training, Reference, Noise), start, batched=True)

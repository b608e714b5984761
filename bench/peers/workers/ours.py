"""Our side: a model of the suite with the peer's weights, run as the harness runs it. Loaded by `serving.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.backends import backend
from bench.execution import InvalidOutputError, Parts, Runner
from bench.measures.train_step import TrainStepMeasurement
from bench.missing import Missing
from bench.peers.contests import Contest, Row, own_rows
from bench.peers.inputs import batches
from bench.subjects import TEACHERS, build_model
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.processor import compute_at_best, route_of
from emtm.registry import preset
from emtm.training.loop import optimize
from emtm.training.optimizer import build_optimizer

Question = dict[str, Any]


def worker() -> Ours:
    """On one thread, computing as whatever the suite measures does."""
    torch.set_num_threads(1)
    return Ours()


class Ours:
    """One model at a time."""

    def __init__(self) -> None:
        self.versions = {"torch": torch.__version__, "numpy": np.__version__, "products": route_of(batches=True).name}
        self._state: dict[str, Tensor] = {}
        self._runner: Runner | None = None

    def make(self, question: Question) -> None:
        """Reads the weights; models are built when they are asked for."""
        with np.load(question["weights"], allow_pickle=False) as arrays:
            self._state = {name: torch.from_numpy(arrays[name]) for name in arrays}
        self._runner = None

    def answer(self, question: Question) -> dict[str, Any]:
        """Distributions `[N, 2, L]`, chosen clips `[N, 2]` and their score, or the loss and all weights after a step.

        Whoever encodes videos before has no distributions to show.
        """
        contest, row = _asked(question)
        compute_at_best(batches=contest.kind == "train" or contest.batch_size > 1)
        if contest.kind == "train":
            return self._stepped(contest, row, question["rate"])
        runner = self._made(contest, row)
        placed = [runner.place(batch) for batch in batches(contest)]
        if row.cached:
            parts = _parts(runner)
            return _chosen(placed, [parts.ground(_encoded(parts, batch), batch) for batch in placed])
        found = [runner.outputs(batch) for batch in placed]
        return {"span": _joined([each.span for each in found]), **_chosen(placed, [each.moments for each in found])}

    def open(self, question: Question) -> Callable[[], object]:
        """The call that the harness times: a query's best moments, or a training step of a learning rate of zero."""
        contest, row = _asked(question)
        compute_at_best(batches=contest.kind == "train" or contest.batch_size > 1)
        if contest.kind == "train":
            measurement = TrainStepMeasurement(contest.case(row), self._built(contest, row))
            measurement.warm_up()
            step, inputs = measurement.probe.run, cycle(measurement.probe.pool)
            return lambda: step(next(inputs))
        runner = self._made(contest, row)
        placed = [runner.place(batch) for batch in batches(contest)]
        if row.cached:
            parts = _parts(runner)
            pairs = cycle([(_encoded(parts, batch), batch) for batch in placed])
            return lambda: parts.ground(*next(pairs))
        queries = cycle(placed)
        return lambda: runner(next(queries))

    def _built(self, contest: Contest, row: Row) -> AnyModel:
        """The model with the peer's weights, without what exists in training alone."""
        model = build_model(contest.model, contest.config(published=row.published), contest.shape)
        wanted = model.state_dict()
        model.load_state_dict({name: value for name, value in self._state.items() if name in wanted})
        return model

    def _made(self, contest: Contest, row: Row) -> Runner:
        if self._runner is None:
            case = contest.case(row)
            self._runner = backend(row.backend).build(self._built(contest, row), case.execution, batches(contest)[0])
        return self._runner

    def _stepped(self, contest: Contest, row: Row, rate: float) -> dict[str, Any]:
        config = replace(contest.config(published=row.published), dropout=0.0)  # type: ignore[call-arg]
        model = build_model(contest.model, config, contest.shape)
        model.prepare_training(TEACHERS if model.taught else 0)
        model.load_state_dict(self._state)
        model.train()
        recipe, batch = preset(contest.model, contest.dataset).recipe, batches(contest)[0]
        loss = model.loss(model(batch), batch).total
        optimize(model, build_optimizer(model, recipe), loss, rate, recipe.clip_norm)
        after = {f"after/{name}": value.detach().numpy() for name, value in model.state_dict().items()}
        return {"loss": np.float64(loss.detach()), **after}


def _asked(question: Question) -> tuple[Contest, Row]:
    contest = Contest(**question["contest"])
    return contest, next(row for row in own_rows(contest) if row.name == question["row"])


def _parts(runner: Runner) -> Parts:
    if isinstance(runner.parts, Missing):
        raise InvalidOutputError(runner.parts.reason)
    return runner.parts


def _encoded(parts: Parts, batch: Batch) -> object:
    """As a cache has it: one row a query."""
    return parts.pick(parts.encode_video(batch), torch.arange(batch.video.shape[0]))


def _chosen(inputs: list[Batch], moments: list[Tensor]) -> dict[str, Any]:
    """Best moments `[B, 1, 3]` of each input as first and last clip."""
    best, per_s = torch.cat(moments)[:, 0], torch.cat([batch.num_clips / batch.duration_s for batch in inputs])
    return {"clips": (best[:, :2] * per_s[:, None] - torch.tensor([0.0, 1.0])).numpy(), "score": best[:, 2].numpy()}


def _joined(tensors: list[Tensor]) -> Any:
    return torch.cat(tensors).numpy()

"""The models of a session: built, counted and checked once each, and one in hand at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from bench import budget
from bench.backends import REFERENCE, backend
from bench.backends.eager import whole
from bench.cases import Case
from bench.execution import InvalidOutputError, Runner, deviation
from bench.missing import ABSENT, Missing
from bench.profiles import Profile
from bench.static import Static, analyse_config
from bench.subjects import build_model, make_batch
from emtm.contract import AnyModel
from emtm.data.batch import Batch

POOL = 4
"""Inputs that a timed call rotates through, so that none finds its own in the cache."""
_CHECK_CALLS = 2
"""Inferences that a check takes: one of the runner, one of the model itself."""
_LONG_S = 2.0
"""A first call shorter than this may be mostly torch's own start-up, so a second one is timed."""


@dataclass(frozen=True, slots=True)
class _Check:
    call_s: float
    deviation: float
    reason: str | None
    """Why the runner is unsound; None when it is not."""


class Workbench:
    """What measures take: models, runners of them, inputs, counts; nothing here is recorded."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.all_threads = torch.get_num_threads()
        """What torch takes unless told otherwise: the cores."""
        self._static: dict[object, Static] = {}
        self._macs: dict[object, int] = {}
        self._checked: dict[object, _Check] = {}
        # One of each at a time: together they would fill the memory.
        self._model: tuple[object, AnyModel] | None = None
        self._runner: tuple[object, Runner] | None = None

    def static(self, case: Case) -> Static:
        """Counts of the case's model; equal configurations on equal shapes are counted once."""
        key = _counted(case)
        if key not in self._static:
            here = case.run is None and case.execution.device.name == "cpu"
            self._static[key] = analyse_config(
                case.model,
                case.config,
                case.shape,
                self.profile.limits.crosscheck_macs,
                (lambda: self._built(case)) if here else None,
            )
        return self._static[key]

    def macs(self, case: Case) -> int:
        """Multiply-adds of one query."""
        return self._macs.get(_counted(case)) or self.static(case).compute.macs

    def know(self, case: Case, macs: int | None, call_s: float) -> None:
        """Takes a runner for checked, and its model for counted where `macs` are given: another process did both."""
        if macs is not None:
            self._macs[_counted(case)] = macs
        self._checked[_running(case)] = _Check(call_s, 0.0, None)

    def runner(self, case: Case) -> Runner:
        """The case's model in its way of running, checked against the model itself, once.

        Raises TooDearError if the profile does not run the model, UnavailableError if the backend cannot run here,
        and InvalidOutputError if the runner is unsound.
        """
        budget.check_runs(self.macs(case), case.place, self.profile)
        runner, key = self._made(case), _running(case)
        if key not in self._checked:
            self._checked[key] = _check(runner, self._built(case), case)
        reason = self._checked[key].reason
        if reason is not None:
            raise InvalidOutputError(reason)
        return runner

    def model(self, case: Case) -> AnyModel:
        """The case's model itself, on its device and in eval mode, for what no runner does; raises as `runner`."""
        self.runner(case)
        return self._built(case)

    def call_s(self, case: Case) -> float:
        """About the seconds that one query takes: what the check of the runner took, chance delays aside."""
        self.runner(case)
        return min(self._checked[_running(case)].call_s, budget.nominal_s(self.macs(case)))

    def deviation(self, case: Case) -> float | Missing:
        """How far the case's runner was from the model itself; absent for the model, and before the check."""
        check = self._checked.get(_running(case))
        return ABSENT if check is None or case.execution.backend == REFERENCE else check.deviation

    def batches(self, case: Case, size: int, count: int = POOL) -> list[Batch]:
        """Different inputs of the case's shape, placed for its runner."""
        return placed(self.runner(case), case, size, count)

    def _built(self, case: Case) -> AnyModel:
        key = _subject(case)
        if self._model is None or self._model[0] != key:
            self._model = self._runner = None  # Frees the last model before the next one is built.
            self._model = key, _build(case)
        return self._model[1]

    def _made(self, case: Case) -> Runner:
        model, key = self._built(case), _running(case)
        if self._runner is None or self._runner[0] != key:
            self._runner = None
            self._runner = key, _make(model, case)
        return self._runner[1]


def ready(case: Case) -> tuple[AnyModel, Runner]:
    """A case's model and its runner, built and checked outside any session and its budget.

    Raises UnavailableError and InvalidOutputError, as a workbench does.
    """
    model = _build(case)
    runner = _make(model, case)
    reason = _check(runner, model, case).reason
    if reason is not None:
        raise InvalidOutputError(reason)
    return model, runner


def placed(runner: Runner, case: Case, size: int, count: int = POOL) -> list[Batch]:
    """Different inputs of the case's shape, placed for a runner; seeded, so equal every time."""
    return [runner.place(make_batch(case.shape, case.config.feature_dim, size, seed)) for seed in range(count)]


def _counted(case: Case) -> object:
    """What tells counts apart."""
    return case.model, case.config, case.shape


def _subject(case: Case) -> object:
    """What tells models apart, however they are run."""
    return case.model, case.config, case.shape, case.execution.device.name, case.run


def _running(case: Case) -> object:
    """What tells runners apart; the number of threads is set around their calls."""
    return _subject(case), case.execution.dtype, case.execution.backend


def _build(case: Case) -> AnyModel:
    device = case.execution.device.name
    if case.run is None:
        return build_model(case.model, case.config, case.shape).to(device)
    from emtm.training.runs import load_run

    model: AnyModel = load_run(case.run.path, device).model
    return model.eval()


def _make(model: AnyModel, case: Case) -> Runner:
    example = make_batch(case.shape, case.config.feature_dim, 1).to(case.execution.device.name)
    return backend(case.execution.backend).build(model, case.execution, example)


def _check(runner: Runner, model: AnyModel, case: Case) -> _Check:
    device, used = case.execution.device, backend(case.execution.backend)
    batch = make_batch(case.shape, case.config.feature_dim, 1)
    placed = runner.place(batch)
    worst, reason, start = 0.0, None, time.perf_counter()
    try:
        worst = deviation(runner.outputs(placed), whole(model, batch.to(device.name)), used)
    except InvalidOutputError as error:
        reason = str(error)
    device.synchronize()
    call_s = (time.perf_counter() - start) / _CHECK_CALLS
    if call_s < _LONG_S and reason is None:
        began = device.now_ns()
        runner(placed)
        call_s = min(call_s, (device.now_ns() - began) * 1e-9)
    return _Check(call_s, worst, reason)

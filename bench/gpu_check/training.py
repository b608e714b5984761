"""Training steps of every model by its recipe."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import torch

from bench.execution import Device
from bench.gpu_check.part import Part, by_model
from bench.gpu_check.plan import Plan
from bench.gpu_record import StepRow
from bench.instruments.latency import LatencyProbe
from bench.missing import Block, Missing
from bench.stats import summarise
from bench.subjects import SEED, TEACHERS, build_model, make_batch
from emtm.data.batch import Batch
from emtm.registry import preset
from emtm.training.loop import optimize
from emtm.training.optimizer import build_optimizer

_STEPS = 4
_NO_CARD = Missing("ran on the CPU")


def row(plan: Plan, name: str) -> StepRow:
    """Of one model: forward, loss, backward, clipping, update."""
    subject, device = plan.subject(name), plan.torch_device()
    gc.collect()
    model = build_model(name, subject.config, subject.shape)
    model.prepare_training(TEACHERS if model.taught else 0)
    model.to(device.name).train()
    recipe = preset(name, subject.dataset).recipe
    optimizer = build_optimizer(model, recipe)
    batch = make_batch(subject.shape, subject.config.feature_dim, plan.batch_size, targets=True).to(device.name)
    losses = list[torch.Tensor]()

    def step(given: Batch) -> None:
        loss = model.loss(model(given), given).total
        losses.append(loss.detach())
        optimize(model, optimizer, loss, recipe.learning_rate, recipe.clip_norm)

    torch.manual_seed(SEED)
    _forget_peaks(device)
    probe = LatencyProbe(step, [batch], device)
    probe.repeat(_STEPS)
    allocated, reserved = _peaks(device)
    return StepRow(
        model=name,
        dataset=subject.dataset,
        batch_size=plan.batch_size,
        losses=tuple(float(loss) for loss in losses),
        step_s=summarise(probe.samples_s[1:]).median,
        allocated_bytes=allocated,
        reserved_bytes=reserved,
    )


def told(rows: Sequence[Block]) -> str:
    """How many losses are finite, and the longest step."""
    found = [row for row in rows if isinstance(row, StepRow)]
    if not found:
        return "no model was trained"
    longest = max(found, key=lambda row: row.step_s)
    finite = sum(finite_losses(row) for row in found)
    return (
        f"{finite} of {len(found)} models have finite losses; a step of {longest.batch_size} queries takes up to "
        f"{1e3 * longest.step_s:.3g} ms ({longest.model})"
    )


def finite_losses(row: StepRow) -> bool:
    """Was every loss a number?"""
    return not isinstance(row.losses, Missing) and bool(torch.tensor(row.losses).isfinite().all())


def _forget_peaks(device: Device) -> None:
    if device.name != "cpu":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peaks(device: Device) -> tuple[int | Missing, int | Missing]:
    if device.name == "cpu":
        return _NO_CARD, _NO_CARD
    return torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()


TRAINING = Part("training", 0.11, by_model, row, told)

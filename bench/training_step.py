"""Counts of a training step: of a registered model by its recipe, of anybody's module by an optimiser of ours."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.instruments.params import differentiable
from bench.instruments.training_flops import count_step
from bench.missing import Missing, told
from bench.record import TrainingCompute
from bench.specimen import Specimen
from bench.subjects import TEACHERS, Shape, build_model, make_batch
from emtm.contract import ModelConfig
from emtm.registry import preset
from emtm.training.loop import update
from emtm.training.optimizer import build_optimizer


def step_of_model(name: str, dataset: str, config: ModelConfig, shape: Shape) -> TrainingCompute:
    """One query's step with the recipe of the dataset, clipping included."""
    model = build_model(name, config, shape)
    model.prepare_training(TEACHERS if model.taught else 0)
    model.train()
    recipe = preset(name, dataset).recipe
    optimizer = build_optimizer(model, recipe)
    batch = make_batch(shape, config.feature_dim, 1, targets=True)
    torch.manual_seed(0)
    return count_step(
        lambda: model.loss(model(batch), batch).total,
        lambda: update(model, optimizer, recipe.learning_rate, recipe.clip_norm),
    )


def step_of_module(specimen: Specimen) -> TrainingCompute | Missing:
    """A step that minimises the sum of the outputs by AdamW; its parameters are copies, and so stay as they are."""
    try:
        twin = specimen.stranger()
    except Exception as error:
        return Missing(f"the module cannot be copied to be trained: {told(error)}")
    params = [p for p in twin.module.parameters() if p.requires_grad]
    if not params:
        return Missing("the module has no trainable parameters")
    optimizer = torch.optim.AdamW(params)

    def loss() -> Tensor:
        outputs = differentiable(twin())
        if isinstance(outputs, Missing):
            raise _NothingToMinimiseError(outputs.reason)
        return sum((out.abs().sum() if out.is_complex() else out.sum() for out in outputs), torch.zeros(()))

    try:
        twin.module.train()
        return count_step(loss, optimizer.step)
    except _NothingToMinimiseError as error:
        return Missing(str(error))
    except Exception as error:
        return Missing(f"the step cannot be counted: {told(error)}")


class _NothingToMinimiseError(Exception):
    """The outputs carry no gradient; the text says why."""

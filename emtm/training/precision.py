"""Mixed precision on every CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def lower_recurrent_inputs(model: nn.Module) -> None:
    """Make autocast hold for the model's recurrent layers on a CPU; elsewhere, and without autocast, nothing changes.

    Given float32, torch's autocast takes a recurrent layer to kernels that a CPU without bfloat16 arithmetic
    does not have, and fails with a RuntimeError. Input that is bfloat16 already goes where every CPU can follow.
    """
    for module in model.modules():
        if isinstance(module, nn.RNNBase):
            module.register_forward_pre_hook(_lower)


def _lower(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    sequence, *states = inputs
    if sequence.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        sequence = sequence.to(torch.get_autocast_dtype("cpu"))
    return (sequence, *states)

"""What else than its result is wanted of a call."""

from __future__ import annotations

import torch
from torch import Tensor


def traced() -> bool:
    """Whether operators are recorded, to run on other inputs: branches on sizes and values would be fixed with them."""
    tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return tracing or torch.compiler.is_compiling()


def result_alone(x: Tensor) -> bool:
    """Whether nothing but the result is asked for, on a CPU: no gradient, no trace, no other precision."""
    return not (torch.is_grad_enabled() or traced() or torch.is_autocast_enabled("cpu")) and x.device.type == "cpu"

"""Whether a call is recorded for others."""

from __future__ import annotations

import torch


def traced() -> bool:
    """Whether operators are recorded, to run on other inputs: branches on sizes and values would be fixed with them."""
    tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return tracing or torch.compiler.is_compiling()

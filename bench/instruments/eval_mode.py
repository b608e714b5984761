"""A module in eval mode for a while; its parts come back in the modes that they were in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from torch import nn


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """Within the block, `module` and its parts are in eval mode, where they know one.

    An exported module has its mode built in and refuses to change it: it is looked at as it is.
    """
    modes = [(part, part.training) for part in module.modules() if hasattr(part, "training")]
    if any(training for _, training in modes):
        with suppress(NotImplementedError):
            module.eval()
    try:
        yield
    finally:
        for part, training in modes:  # Parents come first, and set their parts.
            if part.training != training:
                with suppress(NotImplementedError):
                    part.train(training)
                if part.training != training:
                    part.training = training

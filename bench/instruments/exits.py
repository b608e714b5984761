"""Where values leave torch: what becomes of them outside is no operator, and nothing counts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_EXITS = ("numpy", "__dlpack__")
"""By which a tensor's values leave torch; `numpy.asarray` takes the first of them."""


@contextmanager
def watched_exits(left: Callable[[str, Tensor], object]) -> Iterator[None]:
    """Within the block, `left` is told of every tensor whose values are handed to something that is not torch."""
    kept = {name: torch.Tensor.__dict__.get(name) for name in _EXITS}
    for name in _EXITS:
        setattr(torch.Tensor, name, _telling(name, getattr(torch.Tensor, name), left))
    try:
        yield
    finally:
        for name, own in kept.items():
            if own is None:
                delattr(torch.Tensor, name)
            else:
                setattr(torch.Tensor, name, own)


def _telling(
    name: str, original: Callable[..., object], left: Callable[[str, Tensor], object]
) -> Callable[..., object]:
    def leave(tensor: Tensor, *args: object, **kwargs: object) -> object:
        left(f"Tensor.{name}", tensor)
        return original(tensor, *args, **kwargs)

    return leave

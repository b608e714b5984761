"""The vectors of the words, in whatever module looks them up."""

from __future__ import annotations

from torch import Tensor, nn


def hold_vectors(module: nn.Module, vectors: Tensor) -> None:
    """Give `module` a copy of `vectors` `[N, W]` under that name: trained if they are a Parameter, else frozen."""
    own = vectors.detach().clone().float()
    if isinstance(vectors, nn.Parameter):
        module.register_parameter("vectors", nn.Parameter(own))
    else:
        module.register_buffer("vectors", own)

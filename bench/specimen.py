"""Somebody's module with its example inputs: every look at it finds it as it was given."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from bench.stages import StageTracker


@dataclass(frozen=True)
class Specimen:
    """A module, and what it is called with."""

    module: nn.Module
    inputs: tuple[object, ...]
    keywords: Mapping[str, object] = field(default_factory=dict)

    def __call__(self) -> object:
        """Calls the module, which may change its inputs and itself; what it would compute later is asked for now."""
        output = self.module(*self.inputs, **self.keywords)
        return list(output) if isinstance(output, Iterator) else output

    def run(self, tracker: StageTracker) -> object:
        """A call in the form that counters take."""
        return self()

    def fresh(self) -> Specimen:
        """The same module with copies of the inputs."""
        inputs, keywords = _copied((self.inputs, dict(self.keywords)))
        return Specimen(self.module, inputs, keywords)

    def twin(self) -> Specimen:
        """A copy that shares the parameters alone, with copies of the inputs."""
        fresh = self.fresh()
        return Specimen(_twin(self.module), fresh.inputs, fresh.keywords)

    def stranger(self) -> Specimen:
        """A copy that shares nothing; raises what copying raises."""
        fresh = self.fresh()
        return Specimen(copy.deepcopy(self.module), fresh.inputs, fresh.keywords)

    @property
    def unmade(self) -> bool:
        """Has it parameters that its first call makes?"""
        return any(is_lazy(tensor) for tensor in (*self.module.parameters(), *self.module.buffers()))


class OfTensors(nn.Module):
    """A specimen's module as a function of its tensors alone, for counters that take nothing else."""

    def __init__(self, specimen: Specimen) -> None:
        super().__init__()
        self.module = specimen.module
        self.training = specimen.module.training
        self._leaves, self._structure = tree_flatten((specimen.inputs, dict(specimen.keywords)))
        self._places = [place for place, leaf in enumerate(self._leaves) if isinstance(leaf, Tensor)]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What `forward` takes."""
        return tuple(self._leaves[place] for place in self._places)

    def forward(self, *tensors: Tensor) -> object:
        """Calls the module with these tensors in the places of its own."""
        leaves = list(self._leaves)
        for place, tensor in zip(self._places, tensors, strict=True):
            leaves[place] = tensor
        inputs, keywords = tree_unflatten(leaves, self._structure)
        return self.module(*inputs, **keywords)


def _twin(module: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(module, {id(parameter): parameter for parameter in module.parameters()})
    except Exception:
        return module  # Not everything can be copied; what its calls change then stays changed.


def _copied(value: tuple[tuple[object, ...], dict[str, object]]) -> tuple[tuple[object, ...], dict[str, object]]:
    """A copy in which what was one tensor is one tensor still."""
    memo: dict[int, object] = {
        id(leaf): leaf.detach().clone().requires_grad_(leaf.requires_grad)
        for leaf in tree_leaves(value)
        if isinstance(leaf, Tensor)
    }
    try:
        return copy.deepcopy(value, dict(memo))
    except Exception:
        inputs, keywords = tree_map(lambda leaf: memo.get(id(leaf), leaf), value)
        return inputs, keywords

"""Which leaves the gradient of an output reaches, told by the graph that autograd recorded: no gradient is computed.

A function of torch's own passes something on to each of its inputs that asks for it. One that is written in Python,
or in an extension, may pass on nothing; where there is such a one only a backward pass tells.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import Node

_OPAQUE = frozenset({"CppFunction", "CopySlices", "UndefinedGrad", "Error", "NotImplemented", "DelayedError"})
"""Kinds of functions that torch knows nothing of, that hold another one, or that give no gradient."""


def leaves(outputs: Iterable[Tensor]) -> set[int] | None:
    """`id` of every leaf that gradients of `outputs` reach; None where the graph cannot tell."""
    found: set[int] = set()
    seen: set[Node] = set()
    waiting: list[Node] = []
    for output in outputs:
        if output.grad_fn is None:
            found.add(id(output))
        else:
            waiting.append(output.grad_fn)
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, BackwardCFunction) or type(node).__name__ in _OPAQUE:
            return None
        variable = getattr(node, "variable", None)
        if isinstance(variable, Tensor):
            found.add(id(variable))
        waiting.extend(following for following, _ in node.next_functions if following is not None)
    return found

"""Parameters of a model: how many, which kind, and which the prediction never uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Set
from enum import Enum

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_leaves

from bench.instruments.eval_mode import eval_mode
from bench.instruments.flops import uncompiled
from bench.instruments.observer import Observer, Operator
from bench.instruments.reach import leaves
from bench.missing import Missing, told
from bench.record import Params

_TABLE_NAME = re.compile(r"(^|[._])((word|char)\w*_)?(table|vectors)$")
_POSITIONS = re.compile(r"posit|(^|[._])pos([._]|$)")


def count_params(module: nn.Module, predict: Callable[[], object]) -> Params:
    """Counts of `module`, whose predictions `predict` returns in any structure of tensors."""
    return summed(module, tables(module, predict), unreachable(module, predict))


def params_of_seen(module: nn.Module, lookups: Lookups, predict: Callable[[], object]) -> Params:
    """`count_params` of a module whose call was watched already, by `lookups`."""
    return summed(module, named_tables(module, lookups), unreachable(module, predict))


def summed(module: nn.Module, tables: Set[str], unreachable: int | Missing) -> Params:
    """Counts by kind; a lazy parameter that has never been made has no elements."""
    params = {name: p for name, p in module.named_parameters() if not is_lazy(p)}
    buffers = {name: b for name, b in module.named_buffers() if not is_lazy(b)}
    trainable = sum(p.numel() for p in params.values() if p.requires_grad)
    fixed = sum(p.numel() for p in params.values() if not p.requires_grad)
    table_buffers = sum(b.numel() for name, b in buffers.items() if name in tables)
    everything = [*params.values(), *buffers.values()]
    return Params(
        total=trainable + fixed + table_buffers,
        trainable=trainable,
        frozen=fixed + table_buffers,
        embedding=sum(t.numel() for name, t in {**params, **buffers}.items() if name in tables),
        buffers=sum(b.numel() for b in buffers.values()) - table_buffers,
        bytes=sum(t.numel() * t.element_size() for t in everything),
        unreachable=unreachable,
    )


def unreachable(module: nn.Module, predict: Callable[[], object]) -> int | Missing:
    """Elements of the trainable parameters that no prediction's gradient reaches; missing where nothing tells.

    What has no gradient, or is no tensor, may still depend on a parameter: of such outputs alone nothing follows.
    """
    params = [p for p in module.parameters() if p.requires_grad and not is_lazy(p)]
    if not params:
        return 0
    try:
        with eval_mode(module), uncompiled(), torch.enable_grad():
            outputs = differentiable(predict())
            if isinstance(outputs, Missing):
                return outputs
            reached = leaves(outputs)
            if reached is None:
                ones = [torch.ones_like(out) for out in outputs]
                grads = torch.autograd.grad(outputs, params, ones, allow_unused=True)
                reached = {id(p) for p, grad in zip(params, grads, strict=True) if grad is not None}
    except Exception as error:
        return Missing(f"the gradient cannot be asked for: {told(error)}")
    return sum(p.numel() for p in params if id(p) not in reached)


def differentiable(output: object) -> list[Tensor] | Missing:
    """Tensors of an output that carry a gradient; missing where there is none, or where it holds more than tensors."""
    held = list(_leaves(output))
    for leaf in held:
        if not isinstance(leaf, Tensor | _PLAIN):
            return Missing(f"the output holds a {type(leaf).__name__}, whose gradients cannot be seen from outside")
    found = [leaf for leaf in held if isinstance(leaf, Tensor) and leaf.requires_grad]
    return found or Missing("no output carries a gradient")


_PLAIN = bool | int | float | complex | str | bytes | Enum | torch.dtype | torch.device | None


def _leaves(output: object) -> Iterator[object]:
    for leaf in tree_leaves(output, is_leaf=lambda node: isinstance(node, Mapping)):
        if isinstance(leaf, Mapping):
            for value in leaf.values():
                yield from _leaves(value)
        else:
            yield leaf


def tables(module: nn.Module, predict: Callable[[], object]) -> set[str]:
    """Names of tensors that are embedding layers, named as tables, or looked up by rows."""
    lookups = Lookups()
    with eval_mode(module), uncompiled(), torch.no_grad(), lookups:
        predict()
    return named_tables(module, lookups)


def named_tables(module: nn.Module, lookups: Lookups) -> set[str]:
    """`tables` of a module whose call `lookups` has watched."""
    layers = {
        f"{path}.weight".lstrip(".")
        for path, child in module.named_modules()
        if isinstance(child, nn.Embedding | nn.EmbeddingBag)
    }
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {
        name
        for name, tensor in tensors.items()
        if not is_lazy(tensor)
        and tensor.dim() == 2
        and tensor.is_floating_point()
        and not _POSITIONS.search(name.lower())
        and (name in layers or _TABLE_NAME.search(name) or _place(tensor) in lookups.seen)
    }


def _place(tensor: Tensor) -> tuple[int, int]:
    """Tells tensors apart on the meta device too, where every data pointer is null."""
    return tensor.untyped_storage()._cdata, int(tensor.storage_offset())


class Lookups(Observer):
    """Notes the storage of every table the embedding operator reads."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[tuple[int, int]] = set()

    def observe(self, func: Operator, args: tuple[object, ...], kwargs: dict[str, object]) -> object:
        """Calls the operator."""
        if func._overloadpacket is torch.ops.aten.embedding and isinstance(args[0], Tensor):
            self.seen.add(_place(args[0]))
        return func(*args, **kwargs)

"""Parameters of a model: how many, which kind, and which the prediction never uses."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from bench.record import Params

_TABLE_NAME = re.compile(r"(^|[._])((word|char)\w*_)?(table|vectors)$")
_POSITIONS = re.compile(r"posit|(^|[._])pos([._]|$)")


def count_params(module: nn.Module, predict: Callable[[], list[Tensor]]) -> Params:
    """Counts of `module`, whose differentiable predictions `predict` returns."""
    tables = _tables(module, predict)
    params = dict(module.named_parameters())
    buffers = dict(module.named_buffers())
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
        unreachable=sum(p.numel() for p in unreachable(module, predict)),
    )


def unreachable(module: nn.Module, predict: Callable[[], list[Tensor]]) -> list[nn.Parameter]:
    """Trainable parameters that no prediction's gradient reaches."""
    params = [p for p in module.parameters() if p.requires_grad]
    training = module.training
    module.eval()
    try:
        with torch.enable_grad():
            outputs = [out.sum() for out in predict() if out.requires_grad]
            if not outputs:
                return params
            total = torch.stack(outputs).sum()
            grads = torch.autograd.grad(total, params, allow_unused=True) if params else ()
    finally:
        module.train(training)
    return [p for p, grad in zip(params, grads, strict=True) if grad is None]


def _tables(module: nn.Module, predict: Callable[[], list[Tensor]]) -> set[str]:
    """Names of tensors that are embedding layers, named as tables, or looked up by rows."""
    lookups = _Lookups()
    training = module.training
    module.eval()
    try:
        with torch.no_grad(), lookups:
            predict()
    finally:
        module.train(training)
    layers = {
        f"{path}.weight".lstrip(".")
        for path, child in module.named_modules()
        if isinstance(child, nn.Embedding | nn.EmbeddingBag)
    }
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {
        name
        for name, tensor in tensors.items()
        if tensor.dim() == 2
        and tensor.is_floating_point()
        and not _POSITIONS.search(name.lower())
        and (name in layers or _TABLE_NAME.search(name) or _place(tensor) in lookups.seen)
    }


def _place(tensor: Tensor) -> tuple[int, int]:
    """Tells tensors apart on the meta device too, where every data pointer is null."""
    return tensor.untyped_storage()._cdata, int(tensor.storage_offset())


class _Lookups(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the storage of every table the embedding operator reads."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[tuple[int, int]] = set()

    def __torch_dispatch__(
        self,
        func: OpOverload[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        if func._overloadpacket is torch.ops.aten.embedding and isinstance(args[0], Tensor):
            self.seen.add(_place(args[0]))
        return func(*args, **(kwargs or {}))

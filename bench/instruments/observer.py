"""A dispatch mode that is shown every operator, inside what would hide operators too."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch._C import DispatchKey
from torch._ops import HigherOrderOperator, OpOverload
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

Operator = OpOverload[..., object]
_COMPILED = ("triton", "inductor")
_REFUSES_MODES = "Mode should never be enabled"


class Observer(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Shows `observe` each call of an operator that works on plain tensors.

    An operator of operators (`cond`, `while_loop`, `flex_attention`) is run under the mode, so that what is inside is
    seen; so is what a tensor subclass makes of a call, on the tensors that it wraps. What is inside an operator of
    operators that was compiled cannot be seen: `overlook` is told its name.
    """

    supports_higher_order_operators = True

    def __torch_dispatch__(
        self,
        func: Operator | HigherOrderOperator,
        types: tuple[type, ...],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        kwargs = kwargs or {}
        if isinstance(func, HigherOrderOperator):
            return self._inside(func, args, kwargs)
        if any(_wraps(kind) for kind in types):
            return NotImplemented
        return self.observe(func, args, kwargs)

    def observe(self, func: Operator, args: tuple[object, ...], kwargs: dict[str, object]) -> object:
        """Calls the operator and returns its result."""
        return func(*args, **kwargs)

    def overlook(self, name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        """Is told of an operator of operators that was run without being seen from inside."""

    def _inside(self, func: HigherOrderOperator, args: tuple[object, ...], kwargs: dict[str, object]) -> object:
        name = func.name()  # type: ignore[no-untyped-call]
        kernel: Callable[..., object] | None = getattr(func, "py_kernels", {}).get(
            DispatchKey.CompositeExplicitAutograd
        )
        runs_python = any(callable(leaf) for leaf in tree_leaves((args, kwargs)) if not isinstance(leaf, torch.Tensor))
        if kernel is None or not runs_python or any(word in name for word in _COMPILED):
            self.overlook(name, args, kwargs)
            return func(*args, **kwargs)
        try:
            with self:
                return kernel(*args, **kwargs)
        except AssertionError as error:
            if _REFUSES_MODES not in str(error):
                raise
        # The operator itself runs without the mode, and its parts each under it.
        return func(*tree_map(self._seen, args), **tree_map(self._seen, kwargs))

    def _seen(self, leaf: object) -> object:
        if not callable(leaf) or isinstance(leaf, torch.Tensor):
            return leaf
        part: Callable[..., object] = leaf

        def run(*args: object, **kwargs: object) -> object:
            with self:
                return part(*args, **kwargs)

        return run


def _wraps(kind: type) -> bool:
    """Does this kind of tensor say itself what an operator does to the tensors that it wraps?"""
    own = getattr(kind, "__torch_dispatch__", None)
    return own is not None and own is not torch._C._disabled_torch_dispatch_impl and not issubclass(kind, FakeTensor)

"""How many operators one call dispatches: at batch 1 a small model is bound by them, whatever its multiply-adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from bench.record import Dispatch


def measure(call: Callable[[], object]) -> Dispatch:
    """Operators of one call as it is run, fused ones counted once; views are those that move no data."""
    counter = _Counter()
    with counter:
        call()
    return Dispatch(operators=counter.operators, views=counter.views, distinct=len(counter.names))


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operators = self.views = 0
        self.names: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.operators += 1
        self.views += bool(func.is_view)
        self.names.add(str(func))
        return func(*args, **(kwargs or {}))

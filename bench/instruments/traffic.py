"""What one call hands to the machine: operators, and the bytes that they read and write, by stage."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.execution import Staged
from bench.stages import StageTracker
from emtm.data.batch import Batch

CACHED_BYTES = 2**19
"""An operator that touches no more finds it in a core's own cache, most likely."""


@dataclass(slots=True)
class Traffic:
    """Of one stage."""

    operators: int = 0
    """Views included: they move nothing, and are dispatched all the same."""
    cached_bytes: int = 0
    """Read and written by operators that touch at most `CACHED_BYTES` each."""
    streamed_bytes: int = 0
    """Read and written by the others."""


def traffic(staged: Staged, batch: Batch) -> dict[str, Traffic]:
    """Of one call, by stage; an operator reads its tensors once and writes its results once."""
    tracker = StageTracker()
    counter = _Counter(tracker)
    with torch.inference_mode(), staged(tracker) as call, counter:
        call(batch)
    return dict(counter.found)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, tracker: StageTracker) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tracker = tracker
        self.found: dict[str, Traffic] = defaultdict(Traffic)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        stage = self.found[self._tracker.current]
        stage.operators += 1
        if not func.is_view:
            touched = _bytes((args, kwargs)) + _bytes(result)
            if touched <= CACHED_BYTES:
                stage.cached_bytes += touched
            else:
                stage.streamed_bytes += touched
        return result


def _bytes(values: object) -> int:
    """Of the tensors among the values, each once; one that is spread out is no more than its storage."""
    tensors = {id(leaf): leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)}
    return sum(
        min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()) for tensor in tensors.values()
    )

"""The tensors of a video's encoding, whatever its structure: tensors, sequences, mappings, dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from torch import Tensor


def changed(encoded: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same structure with every tensor changed, in a fixed order; what is no tensor stays."""
    if isinstance(encoded, Tensor):
        return change(encoded)
    if isinstance(encoded, dict):
        return {key: changed(value, change) for key, value in encoded.items()}
    if isinstance(encoded, tuple) and hasattr(encoded, "_fields"):
        return type(encoded)(*(changed(value, change) for value in encoded))
    if isinstance(encoded, list | tuple):
        return type(encoded)(changed(value, change) for value in encoded)
    if dataclasses.is_dataclass(encoded) and not isinstance(encoded, type):
        fields = {f.name: changed(getattr(encoded, f.name), change) for f in dataclasses.fields(encoded)}
        return dataclasses.replace(encoded, **fields)
    return encoded


def tensors_in(encoded: Any) -> list[Tensor]:
    """Its tensors, in the order of `changed`."""
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    changed(encoded, note)
    return found

"""Checks that every configuration passes when it is made."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints


def check_fields(config: Any) -> None:
    """Raise ValueError with one sentence for a value that a dataclass field cannot take.

    Integers are at least 1, or the field's `minimum` in its metadata; floats are finite, not negative, and
    less than the field's `below`; literals are one of those declared. None passes where it is allowed.
    """
    hints = get_type_hints(type(config))
    for field in fields(config):
        name, value, hint = field.name, getattr(config, field.name), hints[field.name]
        if get_origin(hint) is Literal and value not in get_args(hint):
            raise ValueError(f"{name} is one of {', '.join(map(repr, get_args(hint)))}, not {value!r}")
        if isinstance(value, bool) or value is None:
            continue
        minimum = field.metadata.get("minimum", 1 if isinstance(value, int) else 0)
        if isinstance(value, int | float) and not (math.isfinite(value) and value >= minimum):
            raise ValueError(f"{name} is at least {minimum}, not {value}")
        below = field.metadata.get("below", math.inf)
        if isinstance(value, float) and not value < below:
            raise ValueError(f"{name} is less than {below}, not {value}")
    dim, heads = getattr(config, "dim", 0), getattr(config, "heads", 1)
    if dim % heads:
        raise ValueError(f"dim {dim} does not divide into {heads} heads")

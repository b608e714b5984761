"""Checks that every configuration passes when it is made, and the reading of one of its values from text.

A field's annotation says what it takes: `bool`, `int`, `float`, `str`, `None`, `Literal`, unions and tuples of
these, or any other class. An integer passes for a float; `True` is no number.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Annotation: TypeAlias = Any
"""A class, or a form of `typing`; these have no type in common."""

_NAMES: Mapping[Annotation, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    str: "text",
    NoneType: "null",
}
_READERS: Mapping[Annotation, Callable[[str], object]] = {
    bool: lambda text: {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}[text.lower()],
    int: int,
    float: float,
    str: str,
    NoneType: lambda text: {"null": None, "~": None}[text.lower()],
}
"""What a word means as each type; ValueError or KeyError where it means nothing."""
MAX_SEED = 2**32 - 1
"""NumPy takes no negative seed, and torch none from 2^64 on, which is more than what is made of a seed and an epoch."""
_INT64 = 2**63
"""Torch takes no size and no seed from here on."""


def check_fields(config: DataclassInstance) -> None:
    """Raise ValueError with one sentence for a value that a dataclass field cannot take.

    Numbers are at least the field's `minimum` in its metadata (by default 1 for integers, 0 for floats) and
    less than its `below`; those in a tuple too. A list in the place of a tuple, as JSON has it, becomes one.
    """
    hints = get_type_hints(type(config))
    for field in fields(config):
        name, value, hint = field.name, getattr(config, field.name), hints[field.name]
        if isinstance(value, list) and any(_origin(kind) is tuple for kind in _alternatives(hint)):
            value = tuple(value)
            object.__setattr__(config, name, value)
        if not fits(value, hint):
            raise ValueError(f"{name} {takes(hint)}, not {value!r}")
        _check_bounds(name, value, hint, field.metadata)
    dim, heads = getattr(config, "dim", 0), getattr(config, "heads", 1)
    if dim % heads:
        raise ValueError(f"dim {dim} does not divide into {heads} heads")


def fits(value: object, hint: Annotation) -> bool:
    """Whether a value is of an annotated type; NaN and infinity fit no number's."""
    origin, arguments = _origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(fits(value, kind) for kind in arguments)
    if origin is Literal:
        return any(type(value) is type(known) and value == known for known in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and (
            len(value) == len(kinds := _items(hint, len(value))) and all(map(fits, value, kinds))
        )
    if hint in (int, float) and isinstance(value, bool):
        return False
    if hint is float:
        return isinstance(value, int | float) and abs(value) <= sys.float_info.max
    return hint is Any or isinstance(value, origin or hint)


def takes(hint: Annotation) -> str:
    """What a field of an annotated type takes, to stand after its name: `takes a whole number or null`."""
    return ("is " if _origin(hint) is Literal else "takes ") + _name(hint)


def read_value(text: str, hint: Annotation) -> object:
    """The value that a YAML text stands for in a field of an annotated type; its bounds are not checked.

    The annotation decides what a word means, not its looks: `010` is ten, and nothing is a date.

    Raises:
        ValueError: the text stands for no such value.
    """
    import yaml  # an exported model, whose description is checked here, runs without it

    try:
        # The base loader leaves every scalar the text that it is.
        content = yaml.load(text, yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"'{text}' is not YAML") from error
    return _meant(content, hint)


def _meant(content: object, hint: Annotation) -> object:
    """What YAML of texts and lists means as an annotated type; ValueError where it means nothing."""
    # Null comes first: every word is text.
    for kind in sorted(_alternatives(hint), key=lambda kind: kind is not NoneType):
        try:
            if _origin(kind) is tuple and isinstance(content, list):
                return tuple(_meant(*pair) for pair in zip(content, _items(kind, len(content)), strict=True))
            if _origin(kind) is Literal and isinstance(content, str):
                return {str(known): known for known in get_args(kind)}[content]
            if isinstance(content, str):
                return _READERS[kind](content)
        except (ValueError, KeyError):
            continue
    raise ValueError(f"{content} means nothing here")


def _check_bounds(name: str, value: object, hint: Annotation, metadata: Mapping[str, Any]) -> None:
    """Raise ValueError for a number, alone or in a tuple, beyond the bounds in a field's metadata."""
    kinds = _leaves(hint)
    whole = float not in kinds
    minimum = metadata.get("minimum", 1 if whole else 0)
    below = metadata.get("below", _INT64 if whole else math.inf)
    for number in value if isinstance(value, tuple) else (value,):
        if kinds.isdisjoint({int, float}) or isinstance(number, bool) or not isinstance(number, int | float):
            continue
        if number < minimum:
            raise ValueError(f"{name} is at least {minimum}, not {number}")
        if not number < below:
            raise ValueError(f"{name} is less than {below}, not {number}")


def _origin(hint: Annotation) -> Annotation:
    """What `hint` is a form of: `Literal`, a union's class, `tuple`; None for a class without parts."""
    return get_origin(hint)


def _alternatives(hint: Annotation) -> tuple[Annotation, ...]:
    """Types that a union joins; the type itself where it is none."""
    return get_args(hint) if _origin(hint) in (Union, UnionType) else (hint,)


def _items(hint: Annotation, length: int) -> tuple[Annotation, ...]:
    """Types of the items of a tuple that is `length` long."""
    arguments = get_args(hint)
    return arguments[:1] * length if arguments[-1:] == (...,) else arguments


def _leaves(hint: Annotation) -> set[Annotation]:
    """Types without parts that a type is made of."""
    if _origin(hint) not in (Union, UnionType, tuple):
        return {hint}
    return {leaf for part in get_args(hint) if part is not ... for leaf in _leaves(part)}


def _name(hint: Annotation) -> str:
    """What a type is called in a sentence."""
    origin, arguments = _origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(map(_name, arguments))
    if origin is Literal:
        return f"one of {', '.join(map(repr, arguments))}"
    if origin is tuple and arguments[-1:] == (...,):
        return f"a list of which each item is {_name(arguments[0])}"
    if origin is tuple:
        return f"a list of {', '.join(map(_name, arguments))}"
    return _NAMES.get(hint) or f"a {getattr(hint, '__name__', hint)}"

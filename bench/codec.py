"""Records to JSON and back, by their annotations.

A value that is missing is null with `<name>_reason` beside it. What is read is written back byte for byte: a
record remembers the order of its keys, and the keys it does not know.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from bench.missing import ABSENT, Block, Json, Kept, Missing

R = TypeVar("R", bound=Block)

_REASON = "_reason"


class MalformedError(ValueError):
    """A value is not of the type that its place asks for; the text says where."""


def encode(record: Block) -> dict[str, Json]:
    """JSON object of a record; what was read keeps its order, what is new follows in the order of the fields."""
    values = {name: _finite(getattr(record, name)) for name in _hints(type(record))}
    written: dict[str, Json] = {}
    for key in record.kept.order:
        if key in record.kept.extra:
            written[key] = record.kept.extra[key]
        elif key in values:
            _write(written, key, values[key])
        elif key.endswith(_REASON) and isinstance(value := values.get(key.removesuffix(_REASON)), Missing):
            written[key] = value.reason
    for name, value in values.items():
        _write(written, name, value)
        if isinstance(value, Missing) and value.written == "with reason":
            written.setdefault(f"{name}{_REASON}", value.reason)
    return written | {key: value for key, value in record.kept.extra.items() if key not in written}


def decode(kind: type[R], doc: Mapping[str, Json], reason: str = ABSENT.reason, where: str = "") -> R:
    """The record in a JSON object. What is absent takes the nearest `reason` around it.

    Raises MalformedError for a value of the wrong type, and for a null that the field does not allow.
    """
    hints = _hints(kind)
    around = doc.get("reason")
    nearest = around if isinstance(around, str) and around else reason
    values: dict[str, Any] = {}
    used: set[str] = set()
    for name, hint in hints.items():
        place = f"{where}.{name}" if where else name
        if doc.get(name) is not None:
            values[name] = _value(hint, doc[name], nearest, place)
        elif not _may_miss(hint):
            raise MalformedError(f"{place} is {'null' if name in doc else 'not there'}")
        else:
            values[name] = _missing(doc, name, nearest)
            used |= {f"{name}{_REASON}"} if _own_reason(doc, name) else set()
    # A reason beside a value that is there explains nothing, so it is kept like any unknown key.
    return kind(**values, kept=Kept(tuple(doc), {k: v for k, v in doc.items() if k not in hints and k not in used}))


def _own_reason(doc: Mapping[str, Json], name: str) -> str | None:
    own = doc.get(f"{name}{_REASON}")
    return own if isinstance(own, str) and own else None


def _missing(doc: Mapping[str, Json], name: str, nearest: str) -> Missing:
    own = _own_reason(doc, name)
    if own is not None:
        return Missing(own) if name in doc else Missing(own, "not at all")
    return Missing(nearest, "bare" if name in doc else "not at all")


def _finite(value: object) -> object:
    """JSON has no NaN and no infinity: such a value is missing."""
    numbers = value if isinstance(value, tuple | list) else (value,)
    finite = all(math.isfinite(number) for number in numbers if isinstance(number, float | np.floating))
    return value if finite else Missing("not a finite number")


def _write(written: dict[str, Json], name: str, value: object) -> None:
    if name in written or (isinstance(value, Missing) and value.written == "not at all"):
        return
    written[name] = None if isinstance(value, Missing) else _plain(value)


def _plain(value: object) -> Json:
    if isinstance(value, Block):
        return encode(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("a mapping in a run file has strings as keys")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        raise ValueError(f"{value} has no place in a run file")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return _plain(value.item())
    raise TypeError(f"a {type(value).__name__} has no place in a run file")


def _value(hint: object, value: Json, reason: str, where: str) -> object:
    """`value` as the annotation wants it."""
    if hint == Json:
        return value
    for option in _options(hint):
        origin, arguments = get_origin(option) or option, get_args(option)
        if origin is Literal:
            if value in arguments:
                return value
        elif isinstance(origin, type) and issubclass(origin, Block):
            if isinstance(value, dict):
                return decode(origin, value, reason, where)
        elif origin is tuple:
            if isinstance(value, list):
                return _items(arguments, value, reason, where)
        elif origin is Mapping:
            if isinstance(value, dict):
                return {key: _value(arguments[1], item, reason, f"{where}.{key}") for key, item in value.items()}
        elif _is_plain(option, value):
            return value
    shown = repr(value) if isinstance(value, bool | int | float | str | None) else f"a {type(value).__name__}"
    raise MalformedError(f"{where} is {shown:.60}, which is not of its type")


def _items(arguments: tuple[object, ...], value: list[Json], reason: str, where: str) -> tuple[object, ...]:
    """Items of `tuple[X, ...]`, or of a tuple of fixed length."""
    kind = arguments[0]
    if kind in (float, str) and arguments[-1] is Ellipsis and all(_is_plain(kind, item) for item in value):
        return tuple(value)  # Samples and names of queries are most of a run file.
    kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
    if len(kinds) != len(value):
        raise MalformedError(f"{where} has {len(value)} items, not {len(kinds)}")
    return tuple(
        _value(kind, item, reason, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _is_plain(kind: object, value: Json) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return kind in (bool, str, list, dict, type(None)) and isinstance(value, cast("type[object]", kind))


def _options(hint: object) -> tuple[object, ...]:
    """The types of a union, without Missing."""
    members = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return tuple(member for member in members if member is not Missing)


def _may_miss(hint: object) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and Missing in get_args(hint)


def _annotations(kind: type[Block]) -> dict[str, object]:
    """Of the fields that are keys, in order."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.name != "kept"}


# A class whose instances hash themselves is not hashable in mypy's eyes.
_hints = cast("Callable[[type[Block]], dict[str, object]]", cache(_annotations))

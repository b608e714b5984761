"""Values that are not there: always with the reason, and never taken for a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

T = TypeVar("T")
B = TypeVar("B")

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Missing:
    """What stands in a record where there is no value."""

    reason: str
    written: Literal["with reason", "bare", "not at all"] = "with reason"
    """How a run file has it: as null with a reason of its own, as null explained by the block around it, or not."""


ABSENT = Missing("not measured in this run", "not at all")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a record must remember of the file it came from to be written back as it was."""

    order: tuple[str, ...]
    """Keys in the order of the file."""
    extra: Mapping[str, Json]
    """Keys that this version does not know, those of later minor versions among them."""


NOTHING_KEPT = Kept((), {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A record, or a part of one: its fields are the keys of a JSON object."""

    kept: Kept = field(default=NOTHING_KEPT, repr=False, compare=False)


def of(block: B | Missing, pick: Callable[[B], T | Missing]) -> T | Missing:
    """`pick(block)`, or why there is no block.

    >>> of(Missing("too dear"), lambda block: block.median)
    Missing(reason='too dear', written='with reason')
    """
    return block if isinstance(block, Missing) else pick(block)


def known(value: T | Missing) -> T | None:
    """The value; None where there is none, for code that does not ask why."""
    return None if isinstance(value, Missing) else value


def or_missing(value: T | None, reason: str) -> T | Missing:
    """The value, or that it is missing for `reason` where it is None."""
    return Missing(reason) if value is None else value


def known_of(values: Iterable[T | Missing]) -> list[T]:
    """Those that are there."""
    return [value for value in values if not isinstance(value, Missing)]


def told(error: BaseException) -> str:
    """An error as a reason: its kind and the first line of what it says.

    >>> told(ValueError("too long\\nby far"))
    'ValueError: too long'
    """
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__

"""Published costs with the digits that were printed, and the hypothesis about how each came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import yaml

from emtm.config import check_fields
from emtm.metrics.published import Reading

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

D = TypeVar("D", bound="DataclassInstance")
Quantity = Literal["compute", "params", "time"]
Counter = Literal["fvcore", "tensorflow"]
Unit = Literal["B", "M", "ms"]
_SCALE: Mapping[Unit, float] = {"B": 1e9, "M": 1e6, "ms": 1e-3}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of a table."""

    quantity: Quantity
    called: str
    """The head of its column."""
    printed: str
    """Its digits, trailing zeros kept: they say how exactly it was printed."""
    unit: Unit

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.printed.replace(".", "", 1).isdecimal():
            raise ValueError(f"printed is digits with at most one point, not {self.printed!r}")

    @property
    def value(self) -> float:
        """Multiply-adds or FLOPs, parameters, or seconds."""
        return float(self.printed) * _SCALE[self.unit]

    def digits(self, value: float) -> str:
        """`value`, in the figure's SI unit, as it would have been printed."""
        decimals = len(self.printed.partition(".")[2])
        return f"{value / _SCALE[self.unit]:.{decimals}f}"

    def prints(self, value: float) -> bool:
        """Would `value` have been printed so?"""
        return self.digits(value) == self.printed


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A hypothesis: how the figures of one model were obtained. Batch 1, evaluation mode."""

    counter: Counter
    words: int
    """Tokens of the one query."""
    chars: int
    """Letters of its longest word, to which all are padded."""
    why: str
    """What speaks for it."""
    clips: int | None = None
    """Feature rows of the one video; None where every video is brought to the configured length."""
    alphabet: int | None = None
    """Rows of the table of characters; None for the dataset's."""
    settings: tuple[str, ...] = ()
    """Changes of the published configuration, `key=value`."""
    returns: tuple[str, ...] = ()
    """Fields of the output that the counted pass returns; empty for all. What none needs, a tracer drops."""
    shapes_of: tuple[str, ...] = ()
    """Modules whose result is asked for its size alone: a tracer keeps them."""
    waste: str = ""
    """What the pass runs and its prediction does not need."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The figures of one model on one dataset."""

    model: str
    """As registered here."""
    label: str
    """As printed."""
    dataset: str
    figures: tuple[Figure, ...]
    protocol: Protocol | None = None

    def __post_init__(self) -> None:
        check_fields(self)

    def figure(self, quantity: Quantity) -> Figure | None:
        """The first figure of a kind."""
        return next((figure for figure in self.figures if figure.quantity == quantity), None)


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of a paper or of a repository."""

    paper: str
    table: str
    read: Reading
    """Where the figures were read; `memory` means that nobody has checked them."""
    entries: tuple[Entry, ...]
    unread: tuple[str, ...]
    """What the table has and this file has not, and why."""

    def __post_init__(self) -> None:
        check_fields(self)


@cache
def published_tables() -> tuple[Table, ...]:
    """All tables that are packaged, in the order of their files' names."""
    folder = files("bench.published")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml"))
    return tuple(read_table((folder / name).read_text("utf-8"), name) for name in names)


def read_table(text: str, name: str) -> Table:
    """The table in a YAML text; raises ValueError, naming the place in the file `name`, where it breaks the schema."""
    return _made(Table, yaml.safe_load(text), name)


_PARTS: Mapping[str, Any] = {"entries": Entry, "figures": Figure, "protocol": Protocol}
"""Fields that are records, or lists of records."""


def _made(kind: type[D], doc: object, where: str) -> D:
    if not isinstance(doc, dict):
        raise ValueError(f"{where} is no mapping")
    known = {field.name for field in fields(kind)}
    if stray := sorted(doc.keys() - known):
        raise ValueError(f"{where}: there is no field '{stray[0]}'")
    values = {key: _part(key, value, f"{where}.{key}") for key, value in doc.items()}
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from None


def _part(key: str, value: object, where: str) -> object:
    if key not in _PARTS:
        return tuple(value) if isinstance(value, list) else value
    if isinstance(value, list):
        return tuple(_made(_PARTS[key], item, f"{where}[{i}]") for i, item in enumerate(value))
    return _made(_PARTS[key], value, where)

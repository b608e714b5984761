"""The cost of one operator's call: in which bucket it belongs, and how much it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from torch import Tensor
from torch.utils._pytree import tree_leaves

from bench.instruments.costs import ASKING, ELEMENTWISE, MOVEMENT, NORMALISATION, REDUCTION, UPDATE, update_flops
from bench.instruments.formulas import multiply_adds, stored
from bench.instruments.observer import Operator

Bucket = Literal["gemm", "norm", "elementwise", "movement", "uncounted"]

_FOREACH = "_foreach_"


@dataclass(frozen=True, slots=True)
class Price:
    """What one call costs."""

    bucket: Bucket
    elements: int
    """Output elements; of an operator that only writes into its arguments, those that it writes."""
    macs: int = 0
    flops: int = 0
    """FLOPs outside multiply-adds."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What an operator says of itself."""

    name: str
    """With its namespace."""
    namespace: str
    base: str
    """Without it, and without the mark of a form that writes into its argument."""
    is_view: bool


@cache
def identity(func: Operator) -> Identity:
    """Asked once of each operator: the answers are slow beside a small product."""
    name: str = func._schema.name
    own = name.partition("::")[2]
    return Identity(name, func.namespace, own if own.endswith("__") else own.removesuffix("_"), bool(func.is_view))


def price(func: Operator, args: tuple[object, ...], kwargs: Mapping[str, object], result: object) -> Price:
    """Cost of a call that gave `result`; what nothing is known of is uncounted, whatever it returns."""
    elements = elements_of(result) or elements_of(list(_written(func, args, kwargs)))
    macs = multiply_adds(func._overloadpacket, args, kwargs, result)
    if macs is not None:
        return Price("gemm", elements, macs)
    known = identity(func)
    if known.namespace == "aten":
        return _by_name(known.base, elements, args, kwargs, result) or _unknown(known, elements)
    return _unknown(known, elements)


def _unknown(known: Identity, elements: int) -> Price:
    asks = known.namespace == "prim" and elements == 0
    return Price("movement" if known.is_view or asks or known.namespace == "profiler" else "uncounted", elements)


def _by_name(
    base: str, elements: int, args: tuple[object, ...], kwargs: Mapping[str, object], result: object
) -> Price | None:
    name = base.removeprefix(_FOREACH)
    if name in ELEMENTWISE:
        return Price("elementwise", elements, flops=ELEMENTWISE[name] * elements)
    if name in NORMALISATION:
        return Price("norm", elements, flops=NORMALISATION[name] * elements_of(args[0]))
    if name in REDUCTION:
        return Price("elementwise", elements, flops=elements_of(args[0]))
    if name in UPDATE:
        return Price("elementwise", elements, flops=update_flops(name, kwargs) * elements_of(args[0]))
    asks = base.startswith(ASKING) and not any(isinstance(leaf, Tensor) for leaf in tree_leaves(result))
    return Price("movement", elements) if name in MOVEMENT or asks else None


def _written(func: Operator, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Iterator[object]:
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            yield args[place] if place < len(args) else kwargs.get(argument.name)


def elements_of(value: object) -> int:
    """Elements of all tensors in any structure."""
    if isinstance(value, Tensor):
        return stored(value)
    return sum(stored(leaf) for leaf in tree_leaves(value) if isinstance(leaf, Tensor))

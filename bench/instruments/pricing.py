"""The cost of one operator's call: in which bucket it belongs, and how much it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_leaves

from bench.instruments.costs import ASKING, ELEMENTWISE, MOVEMENT, NORMALISATION, REDUCTION, UPDATE, update_flops
from bench.instruments.formulas import multiply_adds, stored

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


def price(
    func: OpOverload[..., object], args: tuple[object, ...], kwargs: Mapping[str, object], result: object
) -> Price:
    """Cost of a call that gave `result`; what nothing is known of is uncounted, whatever it returns."""
    elements = elements_of(result) or elements_of(list(_written(func, args, kwargs)))
    macs = multiply_adds(func._overloadpacket, args, kwargs, result)
    if macs is not None:
        return Price("gemm", elements, macs)
    if func.namespace == "aten":
        return _by_name(_base(func), elements, args, kwargs, result) or _unknown(func, elements)
    return _unknown(func, elements)


def _unknown(func: OpOverload[..., object], elements: int) -> Price:
    asks = func.namespace == "prim" and elements == 0
    return Price("movement" if func.is_view or asks or func.namespace == "profiler" else "uncounted", elements)


def _base(func: OpOverload[..., object]) -> str:
    """Name of the operator without the mark of a form that writes into its argument."""
    name = func._schema.name.partition("::")[2]
    return name if name.endswith("__") else name.removesuffix("_")


def _by_name(
    base: str, elements: int, args: tuple[object, ...], kwargs: Mapping[str, object], result: object
) -> Price | None:
    name = base.removeprefix(_FOREACH)
    if name in ELEMENTWISE:
        return Price("elementwise", elements, flops=ELEMENTWISE[name] * elements)
    if name in NORMALISATION:
        return Price("norm", elements, flops=NORMALISATION[name] * elements_of(args[:1]))
    if name in REDUCTION:
        return Price("elementwise", elements, flops=elements_of(args[:1]))
    if name in UPDATE:
        return Price("elementwise", elements, flops=update_flops(name, kwargs) * elements_of(args[:1]))
    asks = base.startswith(ASKING) and not any(isinstance(leaf, Tensor) for leaf in tree_leaves(result))
    return Price("movement", elements) if name in MOVEMENT or asks else None


def _written(func: OpOverload[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]) -> Iterator[object]:
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            yield args[place] if place < len(args) else kwargs.get(argument.name)


def elements_of(value: object) -> int:
    """Elements of all tensors in any structure."""
    return sum(stored(leaf) for leaf in tree_leaves(value) if isinstance(leaf, Tensor))

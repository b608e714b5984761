"""A ledger of every operator that ran: what was costed, by which rule, and what was not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.instruments.formulas import ELEMENTWISE, MOVEMENT, MULTIPLY_ADD, NORMALISATION, REDUCTION
from bench.record import Coverage, UncountedOp

Bucket = Literal["gemm", "norm", "elementwise", "movement", "uncounted"]


@dataclass(slots=True)
class OpRow:
    """All calls of one operator in one stage and under one origin."""

    op: str
    stage: str
    origin: str
    bucket: Bucket
    calls: int = 0
    elements: int = 0
    """Output elements."""
    macs: int = 0
    flops: int = 0
    """FLOPs outside multiply-adds."""
    method: str = ""
    """The outermost stage: which of the contract's methods it ran in."""


class TooManyCallsError(Exception):
    """More operators ran than the ledger was to book."""


class OpLedger(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Dispatch mode that books each operator under the current method, stage and origin.

    Raises TooManyCallsError in the call that would be one more than `most_calls`.
    """

    def __init__(
        self,
        stage: Callable[[], str],
        origin: Callable[[], str],
        method: Callable[[], str] = str,
        most_calls: int | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._stage = stage
        self._origin = origin
        self._method = method
        self._calls_left = most_calls
        self._rows: dict[tuple[str, str, str, str], OpRow] = {}

    @property
    def rows(self) -> list[OpRow]:
        """What has been booked, in order of first appearance."""
        return list(self._rows.values())

    def __torch_dispatch__(
        self,
        func: OpOverload[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        kwargs = kwargs or {}
        packet = func._overloadpacket
        if packet not in MULTIPLY_ADD and func is not torch.ops.prim.device.default:
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        self._book(func, args, kwargs, result)
        return result

    def _book(
        self, func: OpOverload[..., object], args: tuple[object, ...], kwargs: dict[str, object], result: object
    ) -> None:
        if self._calls_left is not None:
            if self._calls_left == 0:
                raise TooManyCallsError
            self._calls_left -= 1
        packet = func._overloadpacket
        name = str(packet).removeprefix("aten.")
        base = name.rstrip("_") if not name.startswith("_") else name
        elements = _elements(result)
        bucket, macs, flops = "uncounted", 0, 0
        if packet in MULTIPLY_ADD:
            bucket, macs = "gemm", int(MULTIPLY_ADD[packet](*args, **kwargs, out_val=result)) // 2
        elif base in ELEMENTWISE:
            bucket, flops = "elementwise", ELEMENTWISE[base] * elements
        elif base in NORMALISATION:
            bucket, flops = "norm", NORMALISATION[base] * _elements(args[:1])
        elif base in REDUCTION:
            bucket, flops = "elementwise", _elements(args[:1])
        elif base in MOVEMENT or name in MOVEMENT or func.is_view or elements == 0:
            bucket = "movement"
        row = self._rows.setdefault(
            (self._method(), self._stage(), self._origin(), name),
            OpRow(f"aten::{name}", self._stage(), self._origin(), bucket, method=self._method()),  # type: ignore[arg-type]
        )
        row.calls += 1
        row.elements += elements
        row.macs += macs
        row.flops += flops


def coverage(rows: list[OpRow]) -> Coverage:
    """Share of operator calls that have a cost, and the operators that have none."""
    working = [row for row in rows if row.bucket != "movement"]
    missing: dict[str, list[OpRow]] = {}
    for row in working:
        if row.bucket == "uncounted":
            missing.setdefault(row.op, []).append(row)
    total = sum(row.calls for row in working)
    uncounted = tuple(
        UncountedOp(op=op, calls=sum(r.calls for r in group), elements=sum(r.elements for r in group))
        for op, group in sorted(missing.items())
    )
    costed = total - sum(op.calls for op in uncounted)
    return Coverage(
        ops_total=len({row.op for row in rows}),
        calls_total=total,
        calls_costed=costed,
        covered_pct=100 * costed / total if total else 100.0,
        ops_uncounted=uncounted,
    )


def _elements(result: object) -> int:
    return sum(leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, Tensor) and not leaf.is_nested)
